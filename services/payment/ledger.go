package payment

import (
	"errors"
	"hash/maphash"
	"strconv"
	"sync"

	"github.com/google/uuid"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// ledgerLimit is how many charges are remembered: some 2 MB when full, and minutes of a busy shop.
const ledgerLimit = 8192

var (
	errKeyReused = errors.New("idempotency-key was used before, for another charge")
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
	// key is the client's idempotency-key, if it sent one, and request the fingerprint of what it asked for.
	key     string
	request uint64
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
	seed  maphash.Seed

	mu     sync.Mutex
	ring   []transaction // grows to limit, then is written round and round
	oldest int           // index in ring
	byID   map[uuid.UUID]int
	byKey  map[string]int
}

func newLedger(limit int) *ledger {
	return &ledger{limit: limit, seed: maphash.MakeSeed(), byID: map[uuid.UUID]int{}, byKey: map[string]int{}}
}

// fingerprint tells two requests apart without keeping either. The seed is this process's own, so that
// nobody can find a card number by trying.
func (l *ledger) fingerprint(in *hipstershop.ChargeRequest) uint64 {
	var h maphash.Hash
	h.SetSeed(l.seed)
	cc, amount := in.GetCreditCard(), in.GetAmount()
	for _, text := range []string{cc.GetCreditCardNumber(), amount.GetCurrencyCode()} {
		_, _ = h.WriteString(text)
		_ = h.WriteByte(0)
	}
	for _, n := range []int64{
		int64(cc.GetCreditCardCvv()), int64(cc.GetCreditCardExpirationYear()), int64(cc.GetCreditCardExpirationMonth()),
		amount.GetUnits(), int64(amount.GetNanos()),
	} {
		_, _ = h.WriteString(strconv.FormatInt(n, 36))
		_ = h.WriteByte(0)
	}
	return h.Sum64()
}

// find returns the charge that was made with a key, if there was one. It returns errKeyReused if that
// charge was for another request.
func (l *ledger) find(key string, request uint64) (t transaction, found bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.findLocked(key, request)
}

func (l *ledger) findLocked(key string, request uint64) (t transaction, found bool, err error) {
	i, found := l.byKey[key]
	if key == "" || !found {
		return transaction{}, false, nil
	}
	if l.ring[i].request != request {
		return transaction{}, false, errKeyReused
	}
	return l.ring[i], true, nil
}

// add takes a charge in. If one with its key came first, add returns that one, and no error as long as
// both are of the same request.
func (l *ledger) add(t transaction) (kept transaction, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if first, found, err := l.findLocked(t.key, t.request); found || err != nil {
		return first, err
	}
	i := len(l.ring)
	if i < l.limit {
		l.ring = append(l.ring, t)
	} else {
		i = l.oldest
		l.oldest = (l.oldest + 1) % l.limit
		delete(l.byID, l.ring[i].id)
		l.forgetKeyLocked(i)
		l.ring[i] = t
	}
	l.byID[t.id] = i
	if t.key != "" {
		l.byKey[t.key] = i
	}
	return t, nil
}

// takeBack marks a charge as refunded and returns it; the refund's id is the given one, or the one of
// an earlier refund.
func (l *ledger) takeBack(id, refund uuid.UUID) (t transaction, first bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i, ok := l.byID[id]
	if !ok {
		return transaction{}, false, errUnknown
	}
	first = l.ring[i].refund == uuid.Nil
	if first {
		l.ring[i].refund = refund
		l.forgetKeyLocked(i)
	}
	return l.ring[i], first, nil
}

// forgetKeyLocked frees the key of a charge that no longer answers for it: one that is dropped, or one
// that was taken back, which would otherwise pay for whatever is tried again under the key.
func (l *ledger) forgetKeyLocked(i int) {
	if j, ok := l.byKey[l.ring[i].key]; ok && j == i {
		delete(l.byKey, l.ring[i].key)
	}
}

// list returns what is remembered, oldest first.
func (l *ledger) list() []transaction {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]transaction, 0, len(l.ring))
	all = append(all, l.ring[l.oldest:]...)
	return append(all, l.ring[:l.oldest]...)
}
