package email

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/durable"
)

const (
	// keepLetters is how many letters of usual size the outbox keeps at least.
	keepLetters = 200
	// keepBytes bounds an outbox of larger ones. At least one letter is kept.
	keepBytes = 4 << 20
	// rememberOrders is for how many orders a second mail is prevented.
	rememberOrders = 200_000
	// sendLease is how long a mail may be on its way to the mail server before another replica sends it.
	sendLease = sendTimeout + 5*time.Second
)

// schema has a row of mail for each order. While sent is 0, one process sends the mail until due, in Unix milliseconds.
// letter holds the contents of the latest.
const schema = `
CREATE TABLE IF NOT EXISTS mail (seq INTEGER PRIMARY KEY, order_id TEXT NOT NULL UNIQUE, sent INTEGER NOT NULL, due INTEGER NOT NULL, token INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS letter (seq INTEGER PRIMARY KEY, size INTEGER NOT NULL, content BLOB NOT NULL);`

// outbox keeps the latest letters, and of which orders there was one, for all replicas.
type outbox struct {
	store *durable.Store
	now   func() time.Time
}

// openOutbox opens the outbox in a directory; one without a directory is in memory.
func openOutbox(dir string, now func() time.Time, log *slog.Logger) (*outbox, error) {
	store, err := durable.Open(durable.Config{
		Dir: dir, Name: "outbox", Now: now, Log: log,
		Tables: durable.Tables{
			Content: "mails", Version: 1, Schema: []string{schema, "SELECT seq, order_id, sent, due, token FROM mail LIMIT 0", "SELECT seq, size, content FROM letter LIMIT 0"},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("open outbox: %w", err)
	}
	return &outbox{store: store, now: now}, nil
}

func (o *outbox) check(ctx context.Context) error { return o.store.Check(ctx) }
func (o *outbox) close(context.Context) error     { return o.store.Close() }

// add stores a letter, unless its order has one.
func (o *outbox) add(l letter) (first bool, err error) { return o.addAs(l.OrderID, l) }

// addAgain stores a letter of an order that has one.
func (o *outbox) addAgain(l letter) error {
	_, err := o.addAs(l.OrderID+"#"+l.ID, l)
	return err
}

// addAs stores a letter, unless there is one under the key.
func (o *outbox) addAs(key string, l letter) (first bool, err error) {
	content, err := json.Marshal(l)
	if err != nil {
		return false, fmt.Errorf("store mail: %w", err)
	}
	err = o.store.Update(func(tx durable.Tx) error {
		var seq int64
		err := tx.Query(func(row []driver.Value) error {
			seq, first = row[0].(int64), true
			return nil
		}, `INSERT INTO mail (order_id, sent, due, token) VALUES (?1, 1, 0, 0)
			ON CONFLICT (order_id) DO UPDATE SET sent = 1 WHERE sent = 0 RETURNING seq`, key)
		if err != nil || !first {
			return err
		}
		if _, err := tx.Exec("INSERT INTO letter (seq, size, content) VALUES (?, ?, ?)", seq, int64(l.size()), content); err != nil {
			return err
		}
		return prune(tx, seq, l.size())
	})
	if err != nil {
		return false, fmt.Errorf("store mail: %w", err)
	}
	return first, nil
}

// prune drops the oldest letters and orders, some at a time.
func prune(tx durable.Tx, newest int64, size int) error {
	if newest%20 == 0 {
		if _, err := tx.Exec("DELETE FROM letter WHERE seq <= ?", newest-keepLetters); err != nil {
			return err
		}
		if _, err := tx.Exec("DELETE FROM mail WHERE seq <= ?", newest-rememberOrders); err != nil {
			return err
		}
	}
	if size < keepBytes/keepLetters {
		return nil // the letters before made room for themselves
	}
	_, err := tx.Exec(`DELETE FROM letter WHERE seq < ?1 AND (SELECT sum(size) FROM letter AS later WHERE later.seq >= letter.seq) > ?2`, newest, int64(keepBytes))
	return err
}

// claim makes this process the one that sends an order's mail. It reports whether the mail was sent; if it was not, and
// token is 0, another process sends it.
func (o *outbox) claim(orderID string) (token int64, sent bool, err error) {
	err = o.store.Update(func(tx durable.Tx) error {
		mine := 1 + rand.Int64N(1<<62)
		now := o.now()
		err := tx.Query(func([]driver.Value) error { token = mine; return nil },
			`INSERT INTO mail (order_id, sent, due, token) VALUES (?1, 0, ?2, ?3)
			ON CONFLICT (order_id) DO UPDATE SET due = ?2, token = ?3 WHERE sent = 0 AND due <= ?4 RETURNING seq`,
			orderID, now.Add(sendLease).UnixMilli(), mine, now.UnixMilli())
		if err != nil || token != 0 {
			return err
		}
		return tx.Query(func(row []driver.Value) error { sent = row[0].(int64) != 0; return nil }, "SELECT sent FROM mail WHERE order_id = ?", orderID)
	})
	return token, sent, err
}

// release gives a claim back.
func (o *outbox) release(orderID string, token int64) error {
	return o.store.Each(func(tx durable.Tx) error {
		_, err := tx.Exec("UPDATE mail SET due = 0 WHERE order_id = ? AND sent = 0 AND token = ?", orderID, token)
		return err
	})
}

// newest returns at most n letters, the newest first.
func (o *outbox) newest(n int) (found []letter, err error) {
	err = o.store.Each(func(tx durable.Tx) error {
		return tx.Query(func(row []driver.Value) error {
			var l letter
			if err := json.Unmarshal(row[0].([]byte), &l); err != nil {
				return err
			}
			found = append(found, l)
			return nil
		}, "SELECT content FROM letter ORDER BY seq DESC LIMIT ?", int64(n))
	})
	return found, err
}
