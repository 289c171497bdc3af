package embedded

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// databaseName is the file of the carts in the data directory.
const databaseName = "carts.db"

// unreadableError reports that a file is not a database of carts, or a damaged one.
type unreadableError struct{ cause error }

func (e *unreadableError) Error() string { return e.cause.Error() }
func (e *unreadableError) Unwrap() error { return e.cause }

// openOrReplace opens the database at path. One that cannot be read is renamed, and an empty one takes its place: a shop
// with empty carts can sell, one whose store does not start cannot.
func openOrReplace(path string, now time.Time, log *slog.Logger) (*database, error) {
	db, err := openCarts(path)
	var unreadable *unreadableError
	if !errors.As(err, &unreadable) {
		return db, err
	}
	kept, err := putAside(path, now)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; move it away: %w", path, unreadable, err)
	}
	log.Warn("the stored carts are unreadable; starting with empty ones", "error", unreadable.Error(), "file", path, "kept", kept,
		"hint", fmt.Sprintf("save what is left of them: sqlite3 '%s' .recover; or delete it: rm '%s'*", kept, kept))
	return openCarts(path)
}

// openCarts opens the database at path, whole and with its tables. Damage is an *unreadableError.
func openCarts(path string) (*database, error) {
	db, err := openDatabase(path)
	if err != nil {
		return nil, markUnreadable(err, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
	}
	if err := db.prepareCarts(); err != nil {
		return nil, errors.Join(err, db.close())
	}
	return db, nil
}

// prepareCarts checks that the database is not damaged, and creates the tables.
func (d *database) prepareCarts() error {
	damage := ""
	err := d.query(func(row []driver.Value) error {
		damage = fmt.Sprint(row[0])
		return nil
	}, "PRAGMA quick_check(1)")
	if err != nil {
		return markUnreadable(err, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
	}
	if damage != "ok" {
		return &unreadableError{fmt.Errorf("damaged database: %s", damage)}
	}
	for _, statement := range []string{schema, "SELECT id, key, kind, value, expires FROM entry LIMIT 0", "SELECT entry, field, value FROM field LIMIT 0"} {
		// An error of the statement itself means that the tables are those of another program.
		if _, err := d.exec(statement); err != nil {
			return markUnreadable(err, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
		}
	}
	return nil
}

// markUnreadable makes an SQLite error with one of these primary codes an *unreadableError. Others, such as those of a
// full disk or of missing permission, say nothing about the content.
func markUnreadable(err error, codes ...int) error {
	const primary = 0xff
	var failure *sqlite.Error
	if errors.As(err, &failure) {
		for _, code := range codes {
			if failure.Code()&primary == code {
				return &unreadableError{err}
			}
		}
	}
	return err
}

// putAside renames a database with its log, which must not be applied to the next one, and returns its new name. An older
// file is never overwritten.
func putAside(path string, now time.Time) (kept string, err error) {
	name := path + ".corrupt-" + now.UTC().Format("20060102T150405")
	kept = name
	for n := 2; exists(kept); n++ {
		kept = fmt.Sprintf("%s-%d", name, n)
	}
	if err := os.Rename(path, kept); err != nil {
		return "", err
	}
	for _, part := range []string{"-wal", "-shm", "-journal"} {
		if err := os.Rename(path+part, kept+part); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return kept, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// databasePath returns where the database of a data directory is, which it creates; empty: in memory.
func databasePath(dir string) (string, error) {
	if dir == "" {
		return "", nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return filepath.Join(dir, databaseName), nil
}
