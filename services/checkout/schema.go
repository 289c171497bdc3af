package checkout

import "github.com/shopctl/shopctl/pkg/chassis/durable"

// tables are those of the journal, in the words of SQLite. They are translated for PostgreSQL.
func tables() durable.Tables {
	return durable.Tables{Content: "orders", Version: 3, Upgrades: [][]string{fromVersion1(), fromVersion2()}, Schema: []string{
		schema, dueIndex, orderIndex, historySchema, outboxSchema, relaySchema,
		"SELECT order_id, " + columns + " FROM purchase LIMIT 0", "SELECT purchase, n FROM step LIMIT 0", "SELECT seq, event_id, event FROM outbox LIMIT 0",
	}}
}

// schema has one row for each key, which is the order's id where the caller sent none. It holds nothing of a card.
//
// due is NULL when nothing is left to do. Else, while there is an owner, it is when the owner's lease ends, and
// without an owner, when to try again. token changes with each owner, so that one who was late cannot write. created,
// updated and deadline are Unix milliseconds, 0 in rows that a version 1 has written. announced has a bit for each event
// that was written to the outbox, and events counts those of all attempts.
const schema = `
CREATE TABLE IF NOT EXISTS purchase (
	seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, request BLOB NOT NULL, state INTEGER NOT NULL, generation INTEGER NOT NULL,
	owner TEXT NOT NULL, token INTEGER NOT NULL, due INTEGER, tries INTEGER NOT NULL DEFAULT 0, charge_key TEXT NOT NULL,
	transaction_id TEXT NOT NULL DEFAULT '', user_id TEXT NOT NULL, email TEXT NOT NULL, ordered BLOB NOT NULL,
	emptied INTEGER NOT NULL DEFAULT 0, confirmed INTEGER NOT NULL DEFAULT 0, order_id TEXT NOT NULL DEFAULT '', trace_id TEXT NOT NULL DEFAULT '',
	created INTEGER NOT NULL DEFAULT 0, updated INTEGER NOT NULL DEFAULT 0, deadline INTEGER NOT NULL DEFAULT 0,
	announced INTEGER NOT NULL DEFAULT 0, events INTEGER NOT NULL DEFAULT 0
)`

// outboxSchema has a row for each event that the bus has not acknowledged.
const outboxSchema = "CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL, event BLOB NOT NULL)"

// relaySchema has one row: which process sends the events, until when, in Unix milliseconds.
const relaySchema = "CREATE TABLE IF NOT EXISTS relay (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, until INTEGER NOT NULL)"

// indexes are of version 2 as well.
const (
	dueIndex   = "CREATE INDEX IF NOT EXISTS purchase_due ON purchase (due) WHERE due IS NOT NULL"
	orderIndex = "CREATE INDEX IF NOT EXISTS purchase_order ON purchase (order_id)"
)

// fromVersion1 keeps the orders of a version that recorded neither ids nor steps. An order's id is at the beginning of its
// charge's key.
func fromVersion1() []string {
	return []string{
		"ALTER TABLE purchase ADD COLUMN order_id TEXT NOT NULL DEFAULT ''",
		"ALTER TABLE purchase ADD COLUMN trace_id TEXT NOT NULL DEFAULT ''",
		"ALTER TABLE purchase ADD COLUMN created INTEGER NOT NULL DEFAULT 0",
		"ALTER TABLE purchase ADD COLUMN updated INTEGER NOT NULL DEFAULT 0",
		"ALTER TABLE purchase ADD COLUMN deadline INTEGER NOT NULL DEFAULT 0",
		"UPDATE purchase SET order_id = substr(charge_key, 1, 36)",
	}
}

// fromVersion2 keeps the orders of a version without events.
func fromVersion2() []string {
	return []string{
		"ALTER TABLE purchase ADD COLUMN announced INTEGER NOT NULL DEFAULT 0",
		"ALTER TABLE purchase ADD COLUMN events INTEGER NOT NULL DEFAULT 0",
	}
}

const columns = "seq, key, request, state, generation, owner, token, due, tries, charge_key, transaction_id, user_id, email, ordered, emptied, confirmed, trace_id, created, updated, deadline, announced, events"

// historySchema has one row for each entry of an order.
const historySchema = `
CREATE TABLE IF NOT EXISTS step (
	purchase INTEGER NOT NULL, n INTEGER NOT NULL, name TEXT NOT NULL, attempts INTEGER NOT NULL, started INTEGER NOT NULL, ended INTEGER NOT NULL,
	failed INTEGER NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (purchase, n)
) WITHOUT ROWID`

// reservation takes a key that is new, or whose earlier attempt has failed.
const reservation = `INSERT INTO purchase (key, request, state, generation, owner, token, due, charge_key, user_id, email, ordered, order_id, trace_id, created, updated, deadline)
	VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14, ?15)
	ON CONFLICT (key) DO UPDATE SET request = ?2, state = ?3, owner = ?5, token = ?6, due = ?7, charge_key = ?8, user_id = ?9, email = ?10, ordered = ?11,
		order_id = ?12, trace_id = ?13, created = ?14, updated = ?14, deadline = ?15, tries = 0, transaction_id = '', emptied = 0, confirmed = 0, announced = 0
	WHERE purchase.state = 5 AND purchase.generation = ?4
	RETURNING seq, events`
