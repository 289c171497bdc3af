package bus

import (
	"database/sql/driver"

	"github.com/shopctl/shopctl/pkg/chassis/durable"
	"github.com/shopctl/shopctl/pkg/rpc/shopevent"
)

// InboxSchema has a row for each event that a consumer has handled. It belongs into the database that the consumer changes.
const InboxSchema = "CREATE TABLE IF NOT EXISTS inbox (seq INTEGER PRIMARY KEY, source TEXT NOT NULL, id TEXT NOT NULL, UNIQUE (source, id))"

// keepInbox is of how many events a second delivery is recognized: more than the server keeps.
const keepInbox = 500_000

// First records that an event was handled, and reports whether it was not before. It is to be in the transaction with what the
// event changes: then each event changes something once, however often it is delivered.
func First(tx durable.Tx, e shopevent.Event) (first bool, err error) {
	var seq int64
	err = tx.Query(func(row []driver.Value) error {
		seq, first = row[0].(int64), true
		return nil
	}, "INSERT INTO inbox (source, id) VALUES (?, ?) ON CONFLICT (source, id) DO NOTHING RETURNING seq", e.Source, e.ID)
	if err == nil && first && seq%1000 == 0 {
		_, err = tx.Exec("DELETE FROM inbox WHERE seq <= ?", seq-keepInbox)
	}
	return first, err
}
