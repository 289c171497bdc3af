package checkout

import (
	"database/sql/driver"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis/durable"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// Names of an order's entries in the journal.
const (
	doReserve  = "reserve"
	doCharge   = "charge"
	doShip     = "ship"
	doEmpty    = "empty cart"
	doConfirm  = "confirm"
	undoCharge = "refund"          // of a charge that was made
	voidCharge = "void charge"     // of a charge that may have been made
	undoShip   = "cancel shipment" // of a parcel that may have been sent
	lookUp     = "look up charge"
	byRetry    = "retry"
	byCancel   = "cancel"
)

// steps are those of a saga in their order. Up to the pivot, a step that fails undoes those before it; after it, a
// step is repeated until it succeeds.
func steps() []string { return []string{doReserve, doCharge, doShip, doEmpty, doConfirm} }

func kindOf(name string) shopv1.StepKind {
	switch name {
	case doReserve, doCharge:
		return shopv1.StepKind_COMPENSATABLE
	case doShip:
		return shopv1.StepKind_PIVOT
	case doEmpty, doConfirm:
		return shopv1.StepKind_RETRYABLE
	case undoCharge, voidCharge, undoShip:
		return shopv1.StepKind_COMPENSATION
	case lookUp:
		return shopv1.StepKind_INQUIRY
	case byRetry, byCancel:
		return shopv1.StepKind_BY_HAND
	}
	return shopv1.StepKind_STEP_KIND_UNSPECIFIED
}

// entry is what resulted from a step, or of several attempts in a row that failed.
type entry struct {
	name           string
	attempts       int64
	started, ended int64 // Unix microseconds
	failed         bool
	detail         string
}

// history holds the entries of an order. Steps that run at the same time may add to it.
type history struct {
	mu      sync.Mutex
	entries []entry
	// written is how many of them are in the journal as they are.
	written int
}

const (
	// maxDetail is how much of an error is kept, in bytes.
	maxDetail = 300
	// cardDigits is how many digits in a row may be a card's number.
	cardDigits = 13
)

func (h *history) add(name string, started, ended time.Time, err error, detail string) {
	if err != nil {
		detail = status.Convert(err).Message()
	}
	e := entry{name: name, attempts: 1, started: started.UnixMicro(), ended: ended.UnixMicro(), failed: err != nil, detail: clean(detail)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.entries) - 1; n >= 0 && e.failed && h.entries[n].failed && h.entries[n].name == name {
		e.attempts, e.started = h.entries[n].attempts+1, h.entries[n].started
		h.entries[n], h.written = e, min(h.written, n)
		return
	}
	h.entries = append(h.entries, e)
}

// clean makes text one line without anything that could be the number of a card, such as a foreign payment service may
// put into its errors.
func clean(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	if len(text) > maxDetail {
		cut := maxDetail
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "..."
	}
	var b strings.Builder
	for start := 0; start < len(text); {
		end, digits := start, 0
		for end < len(text) && (isDigit(text[end]) || digits > 0 && (text[end] == ' ' || text[end] == '-')) {
			if isDigit(text[end]) {
				digits++
			}
			end++
		}
		switch {
		case digits >= cardDigits:
			b.WriteString("[a long number]")
		case end == start:
			end++
			fallthrough
		default:
			b.WriteString(text[start:end])
		}
		start = end
	}
	return b.String()
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

const upsertStep = `INSERT INTO step (purchase, n, name, attempts, started, ended, failed, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
	ON CONFLICT (purchase, n) DO UPDATE SET attempts = ?4, ended = ?6, failed = ?7, detail = ?8`

// write writes the entries that are new, in the transaction that writes what they changed.
func (h *history) write(tx durable.Tx, seq int64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for n, e := range h.entries[h.written:] {
		if _, err := tx.Exec(upsertStep, seq, int64(h.written+n), e.name, e.attempts, e.started, e.ended, number(e.failed), e.detail); err != nil {
			return err
		}
	}
	return nil
}

func (h *history) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.entries, h.written = nil, 0
}

// wrote notes that all entries are in the journal, once the transaction is committed.
func (h *history) wrote() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.written = len(h.entries)
}

// read puts the entries of an order in the journal before those that are new.
func (h *history) read(tx durable.Tx, seq int64) error {
	var known []entry
	err := tx.Query(func(row []driver.Value) error {
		known = append(known, entry{
			name: row[0].(string), attempts: row[1].(int64), started: row[2].(int64), ended: row[3].(int64), failed: row[4].(int64) != 0, detail: row[5].(string),
		})
		return nil
	}, "SELECT name, attempts, started, ended, failed, detail FROM step WHERE purchase = ? ORDER BY n", seq)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.entries, h.written = append(known, h.entries[h.written:]...), len(known)
	return err
}

// number is a boolean in the databases.
func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
