package checkout

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/shopctl/shopctl/pkg/chassis/durable"
	"github.com/shopctl/shopctl/pkg/rpc/money"
	"github.com/shopctl/shopctl/pkg/rpc/shopevent"
)

// outbox has the events that are to be sent. They are written with what they report in one transaction: neither is there
// without the other.
type outbox struct {
	log *slog.Logger
	// wake has an element if there are new events.
	wake chan struct{}
}

func newOutbox(log *slog.Logger) *outbox { return &outbox{log: log, wake: make(chan struct{}, 1)} }

// news are the events of what has happened to a purchase since the last ones; nil: none.
type news struct {
	outbox *outbox
	events []shopevent.Event
	// announced has a bit for each event of the purchase: 1<<i is that of shopevent.Types()[i].
	announced int64
}

// newsOf compares what has happened to a purchase with what was announced of it. An outbox of nil announces nothing.
func (o *outbox) newsOf(p *purchase, now time.Time) *news {
	if o == nil {
		return nil
	}
	happened := map[string]bool{
		shopevent.PaymentCharged: p.transaction != "", shopevent.OrderShipped: p.state == placed, shopevent.OrderPlaced: p.state == placed,
		shopevent.PaymentRefunded: p.state == failed && p.transaction != "" && !p.closing, shopevent.OrderCancelled: p.state == failed,
	}
	n := &news{outbox: o, announced: p.announced}
	for i, kind := range shopevent.Types() {
		if !happened[kind] || p.announced&(1<<i) != 0 {
			continue
		}
		e, err := eventOf(p, kind, p.events+int64(len(n.events))+1, now)
		if err == nil {
			_, err = e.Encode()
		}
		if err != nil { // an event that cannot be sent must not undo an order
			o.log.Error("event not sent", "order_id", p.order.GetOrderId(), "type", kind, "error", err)
			continue
		}
		n.events, n.announced = append(n.events, e), n.announced|1<<i
	}
	if len(n.events) == 0 {
		return nil
	}
	return n
}

// write writes the events in the transaction that writes the purchase.
func (n *news) write(tx durable.Tx, p *purchase) error {
	if n == nil {
		return nil
	}
	for _, e := range n.events {
		payload, err := e.Encode()
		if err != nil {
			return err
		}
		if _, err := tx.Exec("INSERT INTO outbox (event_id, event) VALUES (?, ?)", e.ID, payload); err != nil {
			return err
		}
	}
	_, err := tx.Exec("UPDATE purchase SET announced = ?, events = ? WHERE seq = ?", n.announced, p.events+int64(len(n.events)), p.seq)
	return err
}

// wrote notes that the events are in the outbox, once the transaction is committed.
func (n *news) wrote(p *purchase) {
	if n == nil {
		return
	}
	p.announced, p.events = n.announced, p.events+int64(len(n.events))
	select {
	case n.outbox.wake <- struct{}{}:
	default:
	}
}

// eventOf makes the event of what has happened to an order. Its id follows from the order and the sequence.
func eventOf(p *purchase, kind string, sequence int64, now time.Time) (shopevent.Event, error) {
	id := p.order.GetOrderId()
	about := shopevent.Order{OrderID: id, UserID: p.user, TransactionID: p.transaction}
	if total, err := sum(p.order); err == nil {
		about.Total = money.Rounded(total)
	}
	switch kind {
	case shopevent.OrderPlaced, shopevent.OrderShipped:
		about.TrackingID = p.order.GetShippingTrackingId()
	case shopevent.OrderCancelled:
		about.Reason = p.history.lastFailure()
	}
	if kind == shopevent.OrderPlaced {
		result, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(p.order)
		if err == nil {
			about.Result, err = shopevent.Compact(result)
		}
		if err != nil {
			return shopevent.Event{}, err
		}
		about.Email = p.email
	}
	data, err := json.Marshal(about)
	return shopevent.Event{
		SpecVersion: "1.0", ID: id + "-" + strconv.FormatInt(sequence, 10), Source: shopevent.Source, Type: kind, Subject: id, Time: now.UTC(),
		DataContentType: "application/json", Sequence: strconv.FormatInt(sequence, 10), TraceParent: p.traceParent, Data: data,
	}, err
}

// lastFailure is the newest entry that failed: "ship: injected fault".
func (h *history) lastFailure() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := len(h.entries) - 1; i >= 0; i-- {
		if e := h.entries[i]; e.failed || e.name == byCancel {
			return e.name + ": " + e.detail
		}
	}
	return ""
}

// traceParentOf is the span of ctx in W3C's form.
func traceParentOf(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier.Get("traceparent")
}
