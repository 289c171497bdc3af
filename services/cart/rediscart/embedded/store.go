package embedded

import (
	"database/sql/driver"
	"fmt"
	"log/slog"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/durable"
)

// kind is the type of a key's value.
type kind int64

const (
	kindString kind = 1
	kindHash   kind = 2
)

func (k kind) String() string {
	if k == kindHash {
		return "hash"
	}
	return "string"
}

// entry is one key.
type entry struct {
	id      int64
	kind    kind
	value   []byte // of a string
	expires int64  // Unix milliseconds; 0: never
}

// store keeps keys in SQLite. The caller serializes its calls; those that write are between begin and commit or
// rollback.
type store struct {
	db      *durable.Conn
	now     func() time.Time
	changed map[string]struct{} // keys written since begin
	writing bool
}

const schema = `
CREATE TABLE IF NOT EXISTS entry (
	id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, kind INTEGER NOT NULL, value BLOB, expires INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS entry_expires ON entry (expires) WHERE expires > 0;
CREATE TABLE IF NOT EXISTS field (
	entry INTEGER NOT NULL, field BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (entry, field)
) WITHOUT ROWID;`

func openStore(dir string, now func() time.Time, log *slog.Logger) (*store, error) {
	path, err := databasePath(dir)
	if err != nil {
		return nil, err
	}
	db, err := carts().OpenOrReplace(path, now(), log)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; %s", path, err, durable.NextStep(err))
	}
	return &store{db: db, now: now}, nil
}

func (s *store) close() error { return s.db.Close() }

func (s *store) begin() error {
	s.changed = nil
	if _, err := s.db.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	s.writing = true
	return nil
}

// commit commits the writes since begin and returns the changed keys.
func (s *store) commit() (map[string]struct{}, error) {
	if _, err := s.db.Exec("COMMIT"); err != nil {
		return nil, err
	}
	s.writing = false
	return s.changed, nil
}

func (s *store) rollback() error {
	s.writing = false
	_, err := s.db.Exec("ROLLBACK")
	return err
}

// touch records that a key was written.
func (s *store) touch(key []byte) {
	if s.changed == nil {
		s.changed = map[string]struct{}{}
	}
	s.changed[string(key)] = struct{}{}
}

func (s *store) nowMillis() int64 { return s.now().UnixMilli() }

// find returns a key. An expired one does not exist, and a command that writes removes it.
func (s *store) find(key []byte) (e entry, ok bool, err error) {
	err = s.db.Query(func(row []driver.Value) error {
		e = entry{id: row[0].(int64), kind: kind(row[1].(int64)), value: blob(row[2]), expires: row[3].(int64)}
		ok = true
		return nil
	}, "SELECT id, kind, value, expires FROM entry WHERE key = ?", nonNil(key))
	if err != nil || !ok || e.expires == 0 || e.expires > s.nowMillis() {
		return e, ok, err
	}
	if s.writing {
		err = s.drop(key, e)
	}
	return entry{}, false, err
}

// of returns a key, if it exists, whose value must be of a kind.
func (s *store) of(key []byte, k kind) (entry, bool, error) {
	e, ok, err := s.find(key)
	if err == nil && ok && e.kind != k {
		return e, false, errWrongType
	}
	return e, ok, err
}

// setString sets a key to a string, whatever it was.
func (s *store) setString(key, value []byte, expires int64) error {
	e, ok, err := s.find(key)
	if err != nil {
		return err
	}
	if ok && e.kind == kindHash {
		if err := s.clearFields(e.id); err != nil {
			return err
		}
	}
	s.touch(key)
	_, err = s.db.Exec(`INSERT INTO entry (key, kind, value, expires) VALUES (?1, 1, ?2, ?3)
		ON CONFLICT (key) DO UPDATE SET kind = 1, value = ?2, expires = ?3`, nonNil(key), nonNil(value), expires)
	return err
}

// hash returns the hash at key, created if it does not exist. A created one must get a field.
func (s *store) hash(key []byte) (entry, error) {
	e, ok, err := s.of(key, kindHash)
	if err != nil || ok {
		return e, err
	}
	result, err := s.db.Exec("INSERT INTO entry (key, kind) VALUES (?, 2)", nonNil(key))
	if err != nil {
		return e, err
	}
	id, err := result.LastInsertId()
	return entry{id: id, kind: kindHash}, err
}

func (s *store) field(id int64, name []byte) (value []byte, ok bool, err error) {
	err = s.db.Query(func(row []driver.Value) error {
		value, ok = blob(row[0]), true
		return nil
	}, "SELECT value FROM field WHERE entry = ? AND field = ?", id, nonNil(name))
	return value, ok, err
}

// setField sets a field of the hash at key.
func (s *store) setField(key []byte, id int64, name, value []byte) error {
	s.touch(key)
	_, err := s.db.Exec(`INSERT INTO field (entry, field, value) VALUES (?1, ?2, ?3)
		ON CONFLICT (entry, field) DO UPDATE SET value = ?3`, id, nonNil(name), nonNil(value))
	return err
}

func (s *store) removeField(key []byte, id int64, name []byte) (bool, error) {
	removed, err := s.db.Exec("DELETE FROM field WHERE entry = ? AND field = ?", id, nonNil(name))
	if err != nil {
		return false, err
	}
	n, err := removed.RowsAffected()
	if n > 0 {
		s.touch(key)
	}
	return n > 0, err
}

// fields calls use with every field of a hash.
func (s *store) fields(id int64, use func(name, value []byte)) error {
	return s.db.Query(func(row []driver.Value) error {
		use(blob(row[0]), blob(row[1]))
		return nil
	}, "SELECT field, value FROM field WHERE entry = ?", id)
}

func (s *store) fieldCount(id int64) (int64, error) {
	return s.count("SELECT count(*) FROM field WHERE entry = ?", id)
}

func (s *store) clearFields(id int64) error {
	_, err := s.db.Exec("DELETE FROM field WHERE entry = ?", id)
	return err
}

// setExpiry sets when a key expires; 0: never.
func (s *store) setExpiry(key []byte, id, expires int64) error {
	s.touch(key)
	_, err := s.db.Exec("UPDATE entry SET expires = ? WHERE id = ?", expires, id)
	return err
}

// remove removes a key and reports whether it existed.
func (s *store) remove(key []byte) (bool, error) {
	e, ok, err := s.find(key)
	if err != nil || !ok {
		return false, err
	}
	return true, s.drop(key, e)
}

func (s *store) drop(key []byte, e entry) error {
	s.touch(key)
	if e.kind == kindHash {
		if err := s.clearFields(e.id); err != nil {
			return err
		}
	}
	_, err := s.db.Exec("DELETE FROM entry WHERE id = ?", e.id)
	return err
}

// clear removes everything.
func (s *store) clear() error {
	if err := s.scan(0, -1, func(_ int64, key []byte, _ kind) { s.touch(key) }); err != nil {
		return err
	}
	if _, err := s.db.Exec("DELETE FROM field"); err != nil {
		return err
	}
	_, err := s.db.Exec("DELETE FROM entry")
	return err
}

// scan calls use with at most limit (-1: all) keys that have not expired, in the order of their ids, beginning after an
// id. A key keeps its id while it exists.
func (s *store) scan(after int64, limit int64, use func(id int64, key []byte, k kind)) error {
	return s.db.Query(func(row []driver.Value) error {
		use(row[0].(int64), blob(row[1]), kind(row[2].(int64)))
		return nil
	}, "SELECT id, key, kind FROM entry WHERE id > ? AND (expires = 0 OR expires > ?) ORDER BY id LIMIT ?", after, s.nowMillis(), limit)
}

// size is the number of keys, including expired ones that have not been accessed since.
func (s *store) size() (int64, error) { return s.count("SELECT count(*) FROM entry") }

// expired returns keys that have expired, at most limit.
func (s *store) expired(limit int) (keys [][]byte, err error) {
	err = s.db.Query(func(row []driver.Value) error {
		keys = append(keys, blob(row[0]))
		return nil
	}, "SELECT key FROM entry WHERE expires > 0 AND expires <= ? LIMIT ?", s.nowMillis(), int64(limit))
	return keys, err
}

func (s *store) count(text string, args ...driver.Value) (n int64, err error) {
	err = s.db.Query(func(row []driver.Value) error {
		n = row[0].(int64)
		return nil
	}, text, args...)
	return n, err
}

// blob reads a column, which the driver has copied; an empty one is nil there.
func blob(v driver.Value) []byte {
	b, _ := v.([]byte)
	return nonNil(b)
}

// nonNil keeps an empty blob from becoming NULL.
func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
