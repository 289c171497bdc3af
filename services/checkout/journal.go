package checkout

import (
	"context"
	"database/sql/driver"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/chassis/durable"
	"github.com/shopctl/shopctl/pkg/chassis/durable/postgres"
)

const (
	// leaseTime is how long a purchase belongs to the process that works on it without being renewed.
	leaseTime = 5 * time.Second
	// farthest is beyond every lease and every pause. What is due later was written before the clock was set back.
	farthest = 5 * time.Minute
	// keepPurchases is how many purchases are kept, about a kilobyte each.
	keepPurchases = 100_000
	// sagaTimeout is how long an order that is not shipped is tried to be finished, by whichever process. Afterwards, what was
	// done of it is taken back.
	sagaTimeout = 2 * time.Minute
)

// journal remembers purchases, for all replicas.
type journal struct {
	store store
	now   func() time.Time
	// reached is called at each point of a user's order where a crash leaves another state behind; nil: not at all.
	reached func(point, user string)
	// owner is this process.
	owner string
	// outbox has the events of orders; nil where there is no bus.
	outbox *outbox
	// running counts the purchases that this process owns.
	running atomic.Int64
}

// openJournal opens the journal in the database at a URL, or in a file in a directory, or in memory without either.
func openJournal(url, dir string, now func() time.Time, log *slog.Logger) (*journal, error) {
	j := &journal{now: now, owner: uuid.NewString()}
	var err error
	if url != "" {
		j.store, err = postgres.Open(postgres.Config{URL: url, Tables: tables()})
	} else {
		j.store, err = durable.Open(durable.Config{Dir: dir, Name: "orders", Now: now, Log: log, Tables: tables()})
	}
	if err != nil {
		return nil, err
	}
	return j, nil
}

// store is a database: SQLite or PostgreSQL.
type store interface {
	// Update runs work as one transaction, Each each of its statements.
	Update(work func(durable.Tx) error) error
	Each(work func(durable.Tx) error) error
	Check(ctx context.Context) error
	Close() error
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
	return j.query("(due <= ? OR due > ?) ORDER BY due LIMIT ?", j.now().UnixMilli(), j.after(farthest), int64(most))
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

// reserve makes this process the one that places an order. It reports false if its key was taken in the meantime.
func (j *journal) reserve(p *purchase) (mine bool, err error) {
	ordered, err := proto.Marshal(p.order)
	if err != nil {
		return false, err
	}
	started := j.now()
	p.state, p.owner, p.token, p.due = charging, j.owner, rand.Int64(), j.after(leaseTime)
	p.created, p.updated, p.deadline = started.UnixMilli(), started.UnixMilli(), j.after(sagaTimeout)
	p.history.add(doReserve, started, started, nil, "")
	err = j.update("reserve", p, func(tx durable.Tx) error {
		err := tx.Query(func(row []driver.Value) error {
			p.seq, p.announced, p.events, mine = row[0].(int64), 0, row[1].(int64), true
			return nil
		}, reservation, p.key, p.request[:], int64(p.state), p.generation, p.owner, p.token, p.due, p.chargeKey, p.user, p.email, ordered,
			p.order.GetOrderId(), p.trace, p.created, p.deadline)
		if err != nil || !mine {
			return err
		}
		if p.again {
			if err := p.history.read(tx, p.seq); err != nil {
				return err
			}
		}
		if err := p.history.write(tx, p.seq); err != nil || p.seq%100 != 0 {
			return err
		}
		return forget(tx, p.seq-keepPurchases)
	})
	if mine = mine && err == nil; mine {
		p.history.wrote()
	}
	j.own(p, mine)
	return mine, err
}

// forget removes purchases up to one that nothing is left to do for.
func forget(tx durable.Tx, seq int64) error {
	if seq <= 0 {
		return nil
	}
	if _, err := tx.Exec("DELETE FROM purchase WHERE seq <= ? AND due IS NULL AND state <> 6", seq); err != nil {
		return err
	}
	_, err := tx.Exec("DELETE FROM step WHERE purchase <= ? AND NOT EXISTS (SELECT 1 FROM purchase WHERE purchase.seq = step.purchase)", seq)
	return err
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
	mine, err = j.write("UPDATE purchase SET owner = ?, token = ?, due = ? WHERE seq = ? AND token = ? AND (owner = '' OR due <= ? OR due > ?)",
		j.owner, token, j.after(leaseTime), p.seq, p.token, j.now().UnixMilli(), j.after(farthest))
	if mine {
		p.owner, p.token = j.owner, token
		err = j.readHistory(p)
	}
	j.own(p, mine)
	return mine, err
}

func (j *journal) readHistory(p *purchase) error {
	return j.store.Each(func(tx durable.Tx) error { return p.history.read(tx, p.seq) })
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
	return j.writeAll("save", p, `UPDATE purchase SET state = ?, generation = ?, owner = '', due = ?, tries = ?, transaction_id = ?, ordered = ?, emptied = ?, confirmed = ?, updated = ?
		WHERE seq = ? AND token = ?`,
		int64(p.state), p.generation, due, p.tries, p.transaction, ordered, number(p.emptied), number(p.confirmed), j.after(0), p.seq, p.token)
}

// writeAll runs a statement that changes a purchase while it belongs to this process, and writes what is new of its history
// with it, and the events of what has happened.
func (j *journal) writeAll(point string, p *purchase, text string, args ...driver.Value) (changed bool, err error) {
	news := j.outbox.newsOf(p, j.now())
	err = j.update(point, p, func(tx durable.Tx) error {
		n, err := tx.Exec(text, args...)
		if changed = n > 0; err != nil || !changed {
			return err
		}
		if err := news.write(tx, p); err != nil {
			return err
		}
		return p.history.write(tx, p.seq)
	})
	if changed = changed && err == nil; changed {
		p.history.wrote()
		news.wrote(p)
	}
	return changed, err
}

// update runs a transaction between two points where a crash leaves different states.
func (j *journal) update(point string, p *purchase, work func(durable.Tx) error) error {
	j.at("before commit of "+point, p)
	err := j.store.Update(work)
	j.at("after commit of "+point, p)
	return err
}

func (j *journal) at(point string, p *purchase) {
	if j.reached != nil {
		j.reached(point, p.user)
	}
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
	return j.writeAll("keep", p, "UPDATE purchase SET state = ?, transaction_id = ?, due = ?, updated = ? WHERE seq = ? AND token = ?",
		int64(p.state), p.transaction, j.after(leaseTime), j.after(0), p.seq, p.token)
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

// late reports whether an order is beyond its deadline.
func (j *journal) late(p *purchase) bool { return p.deadline > 0 && j.now().UnixMilli() > p.deadline }

// held reports whether a process works on the purchase.
func (j *journal) held(p *purchase) bool {
	return p.owner != "" && p.due > j.now().UnixMilli() && p.due <= j.after(farthest)
}
