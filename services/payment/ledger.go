package payment

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/durable"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// ledgerLimit is how many charges are kept: about 60 MB when full, and hours of a busy shop.
const ledgerLimit = 200_000

var (
	errKeyReused = errors.New(chassis.IdempotencyKey + " was used before, for another charge")
	errVoided    = errors.New(chassis.IdempotencyKey + " was voided, it does not charge any more: order again with a new one")
	errUnknown   = errors.New("no such transaction")
)

// schema has two tables. A charge's key is NULL if the client sent none, or the charge was refunded; a key in void
// never charges. Of a card it has the last four digits, and no hash of its number: that could be found by trying.
const schema = `
CREATE TABLE IF NOT EXISTS charge (
	seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, key TEXT UNIQUE, fingerprint BLOB NOT NULL,
	currency TEXT NOT NULL, units INTEGER NOT NULL, nanos INTEGER NOT NULL, last_four TEXT NOT NULL, charged_at INTEGER NOT NULL,
	refund BLOB, refunded_at INTEGER
);
CREATE TABLE IF NOT EXISTS void (seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);`

// columns are those that transactionOf reads.
const columns = "seq, id, key, fingerprint, currency, units, nanos, last_four, refund"

// transaction is one charge.
type transaction struct {
	seq      int64
	id       uuid.UUID
	refund   uuid.UUID // uuid.Nil while the charge stands
	amount   *hipstershop.Money
	lastFour string
	// key is the client's idempotency-key; empty if it sent none, or the charge was refunded.
	key         string
	fingerprint fingerprint
}

func (t transaction) message() *shopv1.Transaction {
	m := &shopv1.Transaction{TransactionId: t.id.String(), Amount: t.amount, CardLastFour: t.lastFour, IdempotencyKey: t.key}
	if t.refund != uuid.Nil {
		m.RefundId = t.refund.String()
	}
	return m
}

// fingerprint distinguishes the requests of one key.
type fingerprint [16]byte

// fingerprintOf covers the amount as it is charged, and of the card what is kept of it.
func fingerprintOf(in *hipstershop.ChargeRequest) fingerprint {
	amount := in.GetAmount()
	if rounded, err := money.Round(amount); err == nil {
		amount = rounded
	}
	card, number := in.GetCreditCard(), ""
	if digits, ok := digits(card.GetCreditCardNumber()); ok {
		number = digits[len(digits)-4:]
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %d %d %s %d %d", amount.GetCurrencyCode(), amount.GetUnits(), amount.GetNanos(),
		number, card.GetCreditCardExpirationYear(), card.GetCreditCardExpirationMonth()))
	return fingerprint(sum[:16])
}

// ledger keeps the latest charges, up to a limit, for all replicas.
type ledger struct {
	store *durable.Store
	limit int64
	now   func() time.Time
}

// openLedger opens the ledger in a directory; one without a directory is in memory.
func openLedger(dir string, limit int64, now func() time.Time, log *slog.Logger) (*ledger, error) {
	store, err := durable.Open(durable.Config{
		Dir: dir, Name: "ledger", Now: now, Log: log,
		Tables: durable.Tables{Content: "charges", Version: 1, Schema: []string{schema, "SELECT " + columns + " FROM charge LIMIT 0", "SELECT key FROM void LIMIT 0"}},
	})
	if err != nil {
		return nil, err
	}
	return &ledger{store: store, limit: limit, now: now}, nil
}

func (l *ledger) check(ctx context.Context) error { return l.store.Check(ctx) }
func (l *ledger) close(context.Context) error     { return l.store.Close() }

// add records a charge. If its key has charged before, it returns that charge instead, and first is false.
func (l *ledger) add(t transaction) (recorded transaction, first bool, err error) {
	recorded = t
	err = l.store.Each(func(tx durable.Tx) error {
		err := tx.Query(func(row []driver.Value) error {
			recorded.seq, first = row[0].(int64), true
			return nil
		}, `INSERT INTO charge (id, key, fingerprint, currency, units, nanos, last_four, charged_at)
			SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE ?2 IS NULL OR NOT EXISTS (SELECT 1 FROM void WHERE key = ?2)
			ON CONFLICT (key) DO NOTHING RETURNING seq`,
			t.id[:], nullable(t.key), t.fingerprint[:], t.amount.GetCurrencyCode(), t.amount.GetUnits(), int64(t.amount.GetNanos()), t.lastFour, l.now().UnixMilli())
		switch {
		case err != nil:
			return err
		case first:
			return l.prune(tx, recorded.seq)
		}
		recorded, err = find(tx, "key = ?", t.key)
		if errors.Is(err, errUnknown) {
			return errVoided
		}
		return err
	})
	if err == nil && recorded.fingerprint != t.fingerprint {
		err = errKeyReused
	}
	return recorded, first, err
}

// prune drops charges beyond the limit, a thousandth of them at a time.
func (l *ledger) prune(tx durable.Tx, newest int64) error {
	if newest <= l.limit || newest%max(1, l.limit/1000) != 0 {
		return nil
	}
	if _, err := tx.Exec("DELETE FROM charge WHERE seq <= ?", newest-l.limit); err != nil {
		return err
	}
	_, err := tx.Exec("DELETE FROM void WHERE seq <= (SELECT max(seq) FROM void) - ?", l.limit)
	return err
}

// charged returns the charge that a key has made and that stands.
func (l *ledger) charged(key string) (t transaction, err error) {
	err = l.store.Each(func(tx durable.Tx) error {
		t, err = find(tx, "key = ?", key)
		return err
	})
	return t, err
}

// refund marks a charge as refunded and returns it; the refund's id is the given one, or the one of an earlier
// refund. The charge's key is free afterwards: a refunded charge pays for nothing that is tried again.
func (l *ledger) refund(id, refund uuid.UUID) (t transaction, first bool, err error) {
	err = l.store.Update(func(tx durable.Tx) error {
		t, err = find(tx, "id = ?", id[:])
		if err != nil || t.refund != uuid.Nil {
			return err
		}
		first = true
		return l.refundIn(tx, &t, refund)
	})
	return t, first, err
}

func (l *ledger) refundIn(tx durable.Tx, t *transaction, refund uuid.UUID) error {
	t.refund, t.key = refund, ""
	_, err := tx.Exec("UPDATE charge SET refund = ?, refunded_at = ?, key = NULL WHERE seq = ?", refund[:], l.now().UnixMilli(), t.seq)
	return err
}

// void bars a key, and refunds what it has charged unless that is kept. It returns that charge; found is false if there is
// none.
func (l *ledger) void(key string, keep bool, refund uuid.UUID) (t transaction, found bool, err error) {
	err = l.store.Update(func(tx durable.Tx) error {
		t, err = find(tx, "key = ?", key)
		found = err == nil
		switch {
		case found && keep:
			return nil
		case found:
			if err := l.refundIn(tx, &t, refund); err != nil {
				return err
			}
		case !errors.Is(err, errUnknown):
			return err
		}
		_, err := tx.Exec("INSERT INTO void (key) VALUES (?) ON CONFLICT (key) DO NOTHING", key)
		return err
	})
	return t, found, err
}

// list returns charges after one (uuid.Nil: from the oldest), at most a number.
func (l *ledger) list(after uuid.UUID, most int) (all []transaction, err error) {
	err = l.store.Each(func(tx durable.Tx) error {
		last := transaction{}
		if after != uuid.Nil {
			if last, err = find(tx, "id = ?", after[:]); err != nil {
				return err
			}
		}
		return tx.Query(func(row []driver.Value) error {
			all = append(all, transactionOf(row))
			return nil
		}, "SELECT "+columns+" FROM charge WHERE seq > ? ORDER BY seq LIMIT ?", last.seq, int64(most))
	})
	return all, err
}

// find returns the one charge that meets a condition, or errUnknown.
func find(tx durable.Tx, condition string, arg driver.Value) (t transaction, err error) {
	found := false
	err = tx.Query(func(row []driver.Value) error {
		t, found = transactionOf(row), true
		return nil
	}, "SELECT "+columns+" FROM charge WHERE "+condition, arg)
	if err == nil && !found {
		err = errUnknown
	}
	return t, err
}

func transactionOf(row []driver.Value) transaction {
	t := transaction{
		seq: row[0].(int64), lastFour: row[7].(string),
		amount: &hipstershop.Money{CurrencyCode: row[4].(string), Units: row[5].(int64), Nanos: int32(row[6].(int64))},
	}
	copy(t.id[:], row[1].([]byte))
	t.key, _ = row[2].(string)
	copy(t.fingerprint[:], row[3].([]byte))
	refund, _ := row[8].([]byte)
	copy(t.refund[:], refund)
	return t
}

// nullable is a text, or NULL for an empty one.
func nullable(text string) driver.Value {
	if text == "" {
		return nil
	}
	return text
}
