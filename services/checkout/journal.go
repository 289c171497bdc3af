package checkout

import (
	"context"
	"database/sql/driver"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/chassis/durable"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// state is how far a purchase is.
type state int64

const (
	// charging: the card is being charged, and what follows is under way. If its owner dies, it is finished where the
	// card was charged, else it has failed.
	charging state = 1
	// doubtful: whether the card was charged is not known; the charge is to be voided.
	doubtful state = 2
	// refunding: the charge is to be refunded.
	refunding state = 3
	// placed: the order is placed. What is left is to empty the cart and to send the confirmation, if that is not done.
	placed state = 4
	// failed: nothing is charged. The key may be used for another attempt.
	failed state = 5
)

const (
	// leaseTime is how long a purchase belongs to the process that works on it without being renewed.
	leaseTime = 5 * time.Second
	// keepPurchases is how many purchases are kept, about a kilobyte each.
	keepPurchases = 100_000
)

// schema has one row for each key, which is the order's id where the caller sent none. It holds nothing of a card.
//
// due is NULL when nothing is left to do. Else, while there is an owner, it is when the owner's lease ends, and
// without an owner, when to try again. token changes with each owner, so that one who was late cannot write.
const schema = `
CREATE TABLE IF NOT EXISTS purchase (
	seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, request BLOB NOT NULL, state INTEGER NOT NULL, generation INTEGER NOT NULL,
	owner TEXT NOT NULL, token INTEGER NOT NULL, due INTEGER, tries INTEGER NOT NULL DEFAULT 0, charge_key TEXT NOT NULL,
	transaction_id TEXT NOT NULL DEFAULT '', user_id TEXT NOT NULL, email TEXT NOT NULL, ordered BLOB NOT NULL,
	emptied INTEGER NOT NULL DEFAULT 0, confirmed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS purchase_due ON purchase (due) WHERE due IS NOT NULL;`

const columns = "seq, key, request, state, generation, owner, token, due, tries, charge_key, transaction_id, user_id, email, ordered, emptied, confirmed"

// purchase is one row: an order that is being placed, or was.
type purchase struct {
	seq     int64
	key     string
	request fingerprint
	state   state
	// generation is how many charge keys were spent, by refunds or voided charges.
	generation int64
	owner      string
	token      int64
	due        int64 // Unix milliseconds; 0: nothing is left to do
	tries      int64 // to finish what is left
	// chargeKey is the idempotency-key at the payment service.
	chargeKey   string
	transaction string
	user, email string
	order       *hipstershop.OrderResult
	// emptied and confirmed are whether the cart was emptied and the confirmation sent, or given up.
	emptied, confirmed bool
	// mine is whether this process owns it, as of checked.
	mine    bool
	checked time.Time
}

// left is when to do what is left to do of a purchase that is settled otherwise; 0: nothing is left.
func (p *purchase) left() time.Duration {
	if p.state == placed && !(p.emptied && p.confirmed) {
		return retryPause
	}
	return 0
}

// items are those of the order.
func (p *purchase) items() []*hipstershop.CartItem {
	items := make([]*hipstershop.CartItem, len(p.order.GetItems()))
	for i, ordered := range p.order.GetItems() {
		items[i] = ordered.GetItem()
	}
	return items
}

// fingerprint distinguishes requests.
type fingerprint [16]byte

// journal remembers purchases, for all replicas.
type journal struct {
	store *durable.Store
	now   func() time.Time
	// owner is this process.
	owner string
	// running counts the purchases that this process owns.
	running atomic.Int64
}

func openJournal(dir string, now func() time.Time, log *slog.Logger) (*journal, error) {
	store, err := durable.Open(durable.Config{
		Dir: dir, Name: "orders", Now: now, Log: log,
		Tables: durable.Tables{Content: "orders", Version: 1, Schema: []string{schema, "SELECT " + columns + " FROM purchase LIMIT 0"}},
	})
	if err != nil {
		return nil, err
	}
	return &journal{store: store, now: now, owner: uuid.NewString()}, nil
}

func (j *journal) check(ctx context.Context) error { return j.store.Check(ctx) }
func (j *journal) close(context.Context) error     { return j.store.Close() }

func (j *journal) after(d time.Duration) int64 { return j.now().Add(d).UnixMilli() }

// find returns the purchase of a key; nil if there is none.
func (j *journal) find(key string) (*purchase, error) {
	all, err := j.query("key = ?", key)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0], nil
}

// dueNow returns purchases that something is left to do for, the longest overdue first.
func (j *journal) dueNow(most int) ([]*purchase, error) {
	return j.query("due <= ? ORDER BY due LIMIT ?", j.now().UnixMilli(), int64(most))
}

func (j *journal) query(condition string, args ...driver.Value) (all []*purchase, err error) {
	err = j.store.Each(func(tx durable.Tx) error {
		return tx.Query(func(row []driver.Value) error {
			p, err := purchaseOf(row)
			all = append(all, p)
			return err
		}, "SELECT "+columns+" FROM purchase WHERE "+condition, args...)
	})
	return all, err
}

func purchaseOf(row []driver.Value) (*purchase, error) {
	p := &purchase{
		seq: row[0].(int64), key: row[1].(string), state: state(row[3].(int64)), generation: row[4].(int64), owner: row[5].(string), token: row[6].(int64),
		tries: row[8].(int64), chargeKey: row[9].(string), transaction: row[10].(string), user: row[11].(string), email: row[12].(string),
		order: &hipstershop.OrderResult{}, emptied: row[14].(int64) != 0, confirmed: row[15].(int64) != 0,
	}
	copy(p.request[:], row[2].([]byte))
	p.due, _ = row[7].(int64)
	ordered, _ := row[13].([]byte)
	if err := proto.Unmarshal(ordered, p.order); err != nil {
		return p, fmt.Errorf("read order %s: %w", p.order.GetOrderId(), err)
	}
	return p, nil
}

// reserve makes this process the one that places an order. It reports false if its key was taken in the meantime.
func (j *journal) reserve(p *purchase) (mine bool, err error) {
	ordered, err := proto.Marshal(p.order)
	if err != nil {
		return false, err
	}
	p.state, p.owner, p.token, p.due = charging, j.owner, rand.Int64(), j.after(leaseTime)
	err = j.store.Each(func(tx durable.Tx) error {
		err := tx.Query(func(row []driver.Value) error {
			p.seq, mine = row[0].(int64), true
			return nil
		}, `INSERT INTO purchase (key, request, state, generation, owner, token, due, charge_key, user_id, email, ordered)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
			ON CONFLICT (key) DO UPDATE SET request = ?2, state = ?3, owner = ?5, token = ?6, due = ?7, charge_key = ?8, user_id = ?9, email = ?10, ordered = ?11,
				tries = 0, transaction_id = '', emptied = 0, confirmed = 0
			WHERE state = 5 AND generation = ?4
			RETURNING seq`,
			p.key, p.request[:], int64(p.state), p.generation, p.owner, p.token, p.due, p.chargeKey, p.user, p.email, ordered)
		if err != nil || !mine || p.seq%100 != 0 {
			return err
		}
		_, err = tx.Exec("DELETE FROM purchase WHERE seq <= ? AND due IS NULL", p.seq-keepPurchases)
		return err
	})
	j.own(p, mine)
	return mine, err
}

func (j *journal) own(p *purchase, mine bool) {
	p.checked = j.now()
	if mine != p.mine {
		p.mine = mine
		j.running.Add(map[bool]int64{true: 1, false: -1}[mine])
	}
}

// release gives a purchase away that its process has not saved, after a panic: it is settled at once.
func (j *journal) release(p *purchase) {
	if p.mine {
		j.own(p, false)
		_, _ = j.write("UPDATE purchase SET owner = '', due = ? WHERE seq = ? AND token = ?", j.after(0), p.seq, p.token)
	}
}

// claim makes this process the owner of a purchase that has none, or whose owner's lease has ended.
func (j *journal) claim(p *purchase) (mine bool, err error) {
	token := rand.Int64()
	mine, err = j.write("UPDATE purchase SET owner = ?, token = ?, due = ? WHERE seq = ? AND token = ? AND (owner = '' OR due <= ?)",
		j.owner, token, j.after(leaseTime), p.seq, p.token, j.now().UnixMilli())
	if mine {
		p.owner, p.token = j.owner, token
	}
	j.own(p, mine)
	return mine, err
}

// save writes what has become of a purchase that this process owns, and gives it away. again is when something is left to
// do; 0: nothing is. It reports false if the purchase belongs to another process by now.
func (j *journal) save(p *purchase, again time.Duration) (mine bool, err error) {
	defer j.own(p, false)
	ordered, err := proto.Marshal(p.order)
	if err != nil {
		return false, err
	}
	var due driver.Value
	if again > 0 {
		due = j.after(again)
	}
	return j.write(`UPDATE purchase SET state = ?, generation = ?, owner = '', due = ?, tries = ?, transaction_id = ?, ordered = ?, emptied = ?, confirmed = ?
		WHERE seq = ? AND token = ?`,
		int64(p.state), p.generation, due, p.tries, p.transaction, ordered, p.emptied, p.confirmed, p.seq, p.token)
}

// stillMine reports whether this process owns a purchase that it owned when it last looked. A process that was paused
// for longer than a lease may not.
func (j *journal) stillMine(p *purchase) (bool, error) {
	if j.now().Sub(p.checked) < leaseTime/2 {
		return true, nil
	}
	return j.keep(p)
}

// keep writes the state of a purchase that this process owns, and goes on with it.
func (j *journal) keep(p *purchase) (mine bool, err error) {
	p.checked = j.now()
	return j.write("UPDATE purchase SET state = ?, transaction_id = ?, due = ? WHERE seq = ? AND token = ?",
		int64(p.state), p.transaction, j.after(leaseTime), p.seq, p.token)
}

// renew extends the leases of this process.
func (j *journal) renew(until time.Duration) error {
	if j.running.Load() == 0 {
		return nil
	}
	_, err := j.write("UPDATE purchase SET due = ? WHERE due IS NOT NULL AND owner = ?", j.after(until), j.owner)
	return err
}

func (j *journal) write(text string, args ...driver.Value) (changed bool, err error) {
	err = j.store.Each(func(tx durable.Tx) error {
		n, err := tx.Exec(text, args...)
		changed = n > 0
		return err
	})
	return changed, err
}

// held reports whether a process works on the purchase.
func (j *journal) held(p *purchase) bool { return p.owner != "" && p.due > j.now().UnixMilli() }
