package payment

import (
	"errors"
	"sync"

	"github.com/google/uuid"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/idempotent"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// ledgerLimit is how many charges are remembered: about 2 MB when full, and minutes of a busy shop.
const ledgerLimit = 8192

var (
	errKeyReused = errors.New(chassis.IdempotencyKey + " was used before, for another charge")
	errUnknown   = errors.New("no such transaction")
)

// transaction is one charge.
type transaction struct {
	id       uuid.UUID
	refund   uuid.UUID // uuid.Nil while the charge stands
	currency string
	units    int64
	nanos    int32
	lastFour [4]byte
	// key is the client's idempotency-key; empty if it sent none, or the charge was refunded.
	key string
}

func (t transaction) amount() *hipstershop.Money {
	return &hipstershop.Money{CurrencyCode: t.currency, Units: t.units, Nanos: t.nanos}
}

func (t transaction) message() *shopv1.Transaction {
	m := &shopv1.Transaction{TransactionId: t.id.String(), Amount: t.amount(), CardLastFour: string(t.lastFour[:])}
	if t.refund != uuid.Nil {
		m.RefundId = t.refund.String()
	}
	return m
}

// ledger remembers the latest charges, up to a limit; each one beyond it drops the oldest.
type ledger struct {
	limit int
	// keys are those of the charges that are remembered and not refunded.
	keys *idempotent.Group[uuid.UUID]

	mu     sync.Mutex
	ring   []transaction // grows to limit, then the oldest is overwritten
	oldest int           // index in ring
	byID   map[uuid.UUID]int
}

func newLedger(limit int) *ledger {
	return &ledger{limit: limit, keys: idempotent.New[uuid.UUID](limit), byID: map[uuid.UUID]int{}}
}

// add records a charge.
func (l *ledger) add(t transaction) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := len(l.ring)
	if i < l.limit {
		l.ring = append(l.ring, t)
	} else {
		i = l.oldest
		l.oldest = (l.oldest + 1) % l.limit
		delete(l.byID, l.ring[i].id)
		l.keys.Forget(l.ring[i].key)
		l.ring[i] = t
	}
	l.byID[t.id] = i
}

// refund marks a charge as refunded and returns it; the refund's id is the given one, or the one of an earlier
// refund. The charge's key is free afterwards: a refunded charge pays for nothing that is tried again.
func (l *ledger) refund(id, refund uuid.UUID) (t transaction, first bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i, ok := l.byID[id]
	if !ok {
		return transaction{}, false, errUnknown
	}
	first = l.ring[i].refund == uuid.Nil
	if first {
		l.ring[i].refund = refund
		l.keys.Forget(l.ring[i].key)
		l.ring[i].key = ""
	}
	return l.ring[i], first, nil
}

// list returns the charges, oldest first.
func (l *ledger) list() []transaction {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]transaction, 0, len(l.ring))
	all = append(all, l.ring[l.oldest:]...)
	return append(all, l.ring[:l.oldest]...)
}
