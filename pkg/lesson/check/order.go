package check

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/lesson/format"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

const (
	// settling is how long a charge may wait for its order or its refund before it counts as lost: more
	// than checkout takes to ship, and to take the money back when that fails.
	settling = 12 * time.Second
	// mostBooked bounds the lines that are read of each log.
	mostBooked = 20_000
)

// charging is the service that books charges and refunds.
const charging = "payment"

// booked is what it writes for each charge.
const booked = "payment charged"

// books are the charges since a time, by transaction.
type books struct {
	charged          map[string]time.Time
	placed, refunded map[string]bool
}

// order holds charges against orders and refunds. The logs name the transaction in all three places, so
// that a charge is matched with its own order and not only counted.
func (e Eye) order(ctx context.Context, want *format.Order, base Baseline) Result {
	r := Result{Verdict: Inconclusive, Expected: wantedBooks(want)}
	now := e.Now()
	since := base.Since
	if start := now.Add(-want.Window); want.Window > 0 && start.After(since) {
		since = start
	}
	b, err := e.books(ctx, since)
	if err != nil {
		r.Observed = err.Error()
		return r
	}
	if len(b.charged) == 0 && want.Charges == nil {
		r.Observed = "no card was charged since " + since.Local().Format(time.TimeOnly)
		return r
	}
	r.Evidence = b.evidence(now)
	placed, refunded, lost, open := b.count(now)
	r.Observed = fmt.Sprintf("%d charges: %d orders, %d refunds, %d lost", len(b.charged), placed, refunded, lost)
	if open > 0 {
		r.Observed += fmt.Sprintf(", %d under way", open)
	}
	zero := 0.0
	lostBound := format.BoundFields{Equals: &zero}
	if want.Lost != nil {
		lostBound = want.Lost.BoundFields
	}
	holds := lostBound.Holds(float64(lost))
	for _, part := range []struct {
		want *format.Bound
		is   int
	}{{want.Charges, len(b.charged)}, {want.Orders, placed}, {want.Refunds, refunded}} {
		holds = holds && (part.want == nil || part.want.Holds(float64(part.is)))
	}
	r.Verdict = verdict(holds)
	return r
}

func wantedBooks(want *format.Order) string {
	var parts []string
	for _, part := range []struct {
		what string
		want *format.Bound
	}{{"charges", want.Charges}, {"orders", want.Orders}, {"refunds", want.Refunds}, {"lost", want.Lost}} {
		if part.want != nil {
			parts = append(parts, part.what+" "+part.want.String())
		}
	}
	if want.Lost == nil {
		parts = append(parts, "each charge is an order or a refund")
	}
	return strings.Join(parts, ", ")
}

func (b *books) count(now time.Time) (placed, refunded, lost, open int) {
	for id, at := range b.charged {
		switch {
		case b.placed[id]:
			placed++
		case b.refunded[id]:
			refunded++
		case now.Sub(at) < settling:
			open++
		default:
			lost++
		}
	}
	return placed, refunded, lost, open
}

// evidence is the line of the charge that was lost last, or else of the last charge.
func (b *books) evidence(now time.Time) Evidence {
	found := Evidence{Kind: LogEvidence, Service: charging, Text: booked}
	lost := false
	for id, at := range b.charged {
		is := !b.placed[id] && !b.refunded[id] && now.Sub(at) >= settling
		if is == lost && at.After(found.Time) || is && !lost {
			found.Time, lost = at, is
		}
	}
	return found
}

func (e Eye) books(ctx context.Context, since time.Time) (*books, error) {
	b := &books{charged: map[string]time.Time{}, placed: map[string]bool{}, refunded: map[string]bool{}}
	read := func(service string, note func(message, id string, at time.Time)) error {
		req := &controlpb.LogsRequest{Service: service, Since: timestamppb.New(since), Tail: mostBooked}
		lines := 0
		err := e.lines(ctx, req, func(line *controlpb.LogLine) {
			lines++
			if id := transaction(line.GetRaw()); id != "" {
				note(line.GetMessage(), id, line.GetTime().AsTime())
			}
		})
		if err == nil && lines >= mostBooked {
			err = fmt.Errorf("%s has written more than %d lines: give the check a window", service, mostBooked)
		}
		return err
	}
	// Charges first: an order or a refund that is written meanwhile belongs to a charge that is known.
	err := read(charging, func(message, id string, at time.Time) {
		if message == booked {
			b.charged[id] = at
		} else if message == "payment refunded" {
			b.refunded[id] = true
		}
	})
	if err != nil {
		return nil, err
	}
	err = read("checkout", func(message, id string, _ time.Time) {
		if message == "order placed" {
			b.placed[id] = true
		}
	})
	return b, err
}

// transaction is the id of the charge that a line of a log is about, empty if it is about none.
func transaction(raw string) string {
	if !strings.Contains(raw, `"transaction_id"`) {
		return ""
	}
	var line struct {
		Transaction string `json:"transaction_id"`
	}
	if json.Unmarshal([]byte(raw), &line) != nil {
		return ""
	}
	return line.Transaction
}
