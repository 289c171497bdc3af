package probe

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
	"github.com/shopctl/shopctl/pkg/strictyaml"
	"github.com/shopctl/shopctl/pkg/trace"
)

// Order audits the shop's money: each charge since the step began belongs to an order that was placed, or was
// refunded. It reads the spans on which payment and checkout record each transaction.
type Order struct {
	At strictyaml.Position
	// Window limits how far back charges count; default: to the beginning of the step.
	Window time.Duration `yaml:"window"`
	// Charges, Orders and Refunds bound their numbers.
	Charges *Bound `yaml:"charges"`
	Orders  *Bound `yaml:"orders"`
	Refunds *Bound `yaml:"refunds"`
	// Lost are charges without an order or a refund; default 0.
	Lost *Bound `yaml:"lost"`
	// Records asks payment, shipping and email as well: each charge that stands has one parcel and one mail. The charge and
	// the parcel have the same idempotency-key, which begins with the order's id, as the built-in checkout does it.
	Records bool `yaml:"records"`
}

// Validate implements Probe.
func (o *Order) Validate(report Report) { report.bounds(o.Charges, o.Orders, o.Refunds, o.Lost) }

// ProbeKind implements Probe.
func (*Order) ProbeKind() string { return "order" }

// NamedServices implements Probe.
func (o *Order) NamedServices() []Named { return []Named{{"payment", o.At}, {"checkout", o.At}} }

// Lookback implements Probe.
func (o *Order) Lookback() time.Duration { return o.Window }

// Triggers implements Probe.
func (*Order) Triggers() Event { return TraceEnded }

const (
	// settling is how long a charge may wait for its order or its refund before it counts as lost: more
	// than checkout takes to ship, and to refund when that fails, and more than spans take to arrive.
	settling = 12 * time.Second
	// longestOrder is how long before its charge a trace may have begun.
	longestOrder = 20 * time.Second
	// maxAudited bounds the traces that are read.
	maxAudited = 2000
	// refundMethod and voidMethod are the operations of payment's spans of a refund.
	refundMethod, voidMethod = "Refund", "Void"
)

// Command implements Probe.
func (*Order) Command() string { return "shopctl trace list --service payment" }

// Evidence implements Probe.
func (*Order) Evidence() Evidence { return Evidence{Kind: TraceEvidence, Service: "payment"} }

// Ask implements Probe. It holds charges against orders and refunds. Spans name the transaction in all three places, so
// that a charge is matched with its own order and not only counted.
func (o *Order) Ask(ctx context.Context, env Env, base Baseline) Result {
	r := Result{Verdict: Inconclusive, Expected: wantedBooks(o)}
	now := env.Now()
	since := base.Since
	if start := now.Add(-o.Window); o.Window > 0 && start.After(since) {
		since = start
	}
	b, err := env.audit(ctx, since)
	if err != nil {
		r.Observed = status.Convert(err).Message()
		return r
	}
	if len(b.charged) == 0 && (o.Charges == nil || b.spans == 0) {
		r.Observed = "no card was charged since " + since.Local().Format(time.TimeOnly)
		return r
	}
	r.Evidence = b.evidence(now)
	if r.Evidence.Trace != "" {
		r.Look = "shopctl trace show " + r.Evidence.Trace
	}
	placed, refunded, lost, open := b.count(now)
	r.Observed = fmt.Sprintf("%d charges: %d orders, %d refunds, %d lost", len(b.charged), placed, refunded, lost)
	if open > 0 {
		r.Observed += fmt.Sprintf(", %d under way", open)
	}
	zero := 0.0
	lostBound := BoundFields{Equals: &zero}
	if o.Lost != nil {
		lostBound = o.Lost.BoundFields
	}
	holds := lostBound.Holds(float64(lost))
	for _, part := range []struct {
		want *Bound
		is   int
	}{{o.Charges, len(b.charged)}, {o.Orders, placed}, {o.Refunds, refunded}} {
		holds = holds && (part.want == nil || part.want.Holds(float64(part.is)))
	}
	if o.Records {
		wrong, waiting, err := env.compareRecords(ctx, b, now)
		if err != nil {
			r.Observed = err.Error()
			return r
		}
		holds = holds && wrong == ""
		r.Observed += cmp.Or(wrong, waiting, "; each that stands has one parcel and one mail")
		if holds && waiting != "" {
			return r
		}
	}
	r.Verdict = verdict(holds)
	return r
}

// compareRecords holds the charges against the records of three services. It returns what is wrong, and what of young charges may
// still be under way, each for the end of a line; empty if nothing is.
func (env Env) compareRecords(ctx context.Context, b *books, now time.Time) (wrong, waiting string, err error) {
	standing, shipped, err := env.recorded(ctx)
	if err != nil {
		return "", "", err
	}
	mails, mailed := &shopv1.ListMailsResponse{}, map[string]int{}
	if err := env.record(ctx, "email", "shopctl.shop.v1.Outbox/ListMails", fmt.Sprintf(`{"limit": %d}`, newestMails), mails); err != nil {
		return "", "", err
	}
	for _, m := range mails.GetMails() {
		mailed[m.GetOrderId()]++
	}
	var unshipped, unmailed, doubled, young int
	for id, key := range standing {
		c, ours := b.charged[id]
		order, _, _ := strings.Cut(key, "/") // what follows numbers attempts
		switch {
		case !ours || shipped[key] == 1 && mailed[order] == 1:
		case mailed[order] > 1: // a mail is not taken back
			doubled++
		case now.Sub(c.at) < settling:
			young++
		case shipped[key] == 0:
			unshipped++
		case shipped[key] > 1:
			doubled++
		case mailed[order] == 0 && len(mails.GetMails()) < newestMails: // older ones are not kept
			unmailed++
		}
	}
	if unshipped+unmailed+doubled > 0 {
		wrong = fmt.Sprintf("; %d without a parcel, %d without a mail, %d with two of either", unshipped, unmailed, doubled)
	}
	if young > 0 {
		waiting = fmt.Sprintf("; the parcel or the mail of %d may be under way", young)
	}
	return wrong, waiting, nil
}

// recorded returns the keys of the charges that stand, by transaction, and the number of parcels by key.
func (env Env) recorded(ctx context.Context) (standing map[string]string, shipped map[string]int, err error) {
	standing, shipped = map[string]string{}, map[string]int{}
	for after, more := "", true; more; {
		list := &shopv1.ListTransactionsResponse{}
		if err := env.record(ctx, "payment", "shopctl.shop.v1.Refunds/ListTransactions", fmt.Sprintf(`{"after": %q}`, after), list); err != nil {
			return nil, nil, err
		}
		for _, t := range list.GetTransactions() {
			if after = t.GetTransactionId(); t.GetRefundId() == "" {
				standing[after] = t.GetIdempotencyKey()
			}
		}
		more = list.GetMore()
	}
	for after, more := "", true; more; {
		list := &shopv1.ListParcelsResponse{}
		if err := env.record(ctx, "shipping", "shopctl.shop.v1.Shipments/ListParcels", fmt.Sprintf(`{"after": %q}`, after), list); err != nil {
			return nil, nil, err
		}
		for _, p := range list.GetParcels() {
			if after = p.GetTrackingId(); !p.GetCanceled() {
				shipped[p.GetIdempotencyKey()]++
			}
		}
		more = list.GetMore()
	}
	return standing, shipped, nil
}

// record reads a list of a service's records.
func (env Env) record(ctx context.Context, service, method, request string, into proto.Message) error {
	reply, err := env.Caller.Call(ctx, Call{Service: service, Method: method, Request: []byte(request), Deadline: defaultDeadline})
	if err == nil && reply.Code != codes.OK {
		err = status.Error(reply.Code, reply.Message)
	}
	if err == nil {
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(reply.Response, into)
	}
	if err != nil {
		return fmt.Errorf("read the records of %s: %w", service, err)
	}
	return nil
}

// newestMails is how many mails are read.
const newestMails = 200

func wantedBooks(want *Order) string {
	var parts []string
	for _, part := range []struct {
		what string
		want *Bound
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

// books are the charges since a time, by transaction.
type books struct {
	since            time.Time
	charged          map[string]charge
	placed, refunded map[string]bool
	// spans counts those that were read: without any, nothing is known.
	spans int
}

// charge is when a card was charged, and the span that recorded it.
type charge struct {
	at          time.Time
	trace, span string
}

func (b *books) count(now time.Time) (placed, refunded, lost, open int) {
	for id, c := range b.charged {
		switch {
		case b.placed[id]:
			placed++
		case b.refunded[id]:
			refunded++
		case now.Sub(c.at) < settling:
			open++
		default:
			lost++
		}
	}
	return placed, refunded, lost, open
}

// evidence is the charge that was lost last, or else the last charge.
func (b *books) evidence(now time.Time) Evidence {
	found := Evidence{Kind: TraceEvidence, Service: "payment"}
	var at time.Time
	lost := false
	for id, c := range b.charged {
		is := !b.placed[id] && !b.refunded[id] && now.Sub(c.at) >= settling
		if is == lost && c.at.After(at) || is && !lost {
			at, lost, found.Trace, found.Span = c.at, is, c.trace, c.span
		}
	}
	return found
}

// audit reads the traces that payment or checkout took part in.
func (env Env) audit(ctx context.Context, since time.Time) (*books, error) {
	b := &books{since: since, charged: map[string]charge{}, placed: map[string]bool{}, refunded: map[string]bool{}}
	read := map[string]bool{}
	// Payment first: an order that is placed meanwhile belongs to a charge that is known.
	for _, service := range []string{"payment", "checkout"} {
		filter := &controlpb.TraceFilter{Service: service}
		if !since.IsZero() {
			filter.Since = timestamppb.New(since.Add(-longestOrder))
		}
		list, err := env.Shop.ListTraces(ctx, &controlpb.ListTracesRequest{Filter: filter, Limit: maxAudited})
		if err != nil {
			return nil, err
		}
		if len(list.GetTraces()) >= maxAudited {
			return nil, fmt.Errorf("%s took part in more than %d traces: give the check a shorter window", service, maxAudited)
		}
		for _, s := range list.GetTraces() {
			if read[s.GetTraceId()] {
				continue
			}
			read[s.GetTraceId()] = true
			if err := env.auditTrace(ctx, b, s.GetTraceId()); err != nil {
				return nil, err
			}
		}
	}
	return b, nil
}

func (env Env) auditTrace(ctx context.Context, b *books, id string) error {
	resp, err := env.Shop.GetTrace(ctx, &controlpb.GetTraceRequest{Id: id})
	if status.Code(err) == codes.NotFound {
		return nil // it was the oldest, and is gone by now
	}
	if err != nil {
		return err
	}
	var data tracepb.TracesData
	if err := proto.Unmarshal(resp.GetOtlp(), &data); err != nil {
		return fmt.Errorf("read trace %s: %w", trace.ShortID(id), err)
	}
	spans, _ := trace.Spans(&data)
	for _, s := range spans {
		b.book(s)
	}
	return nil
}

// book records the transactions of a span.
func (b *books) book(s *trace.Span) {
	if s.End.Before(b.since) {
		return
	}
	b.spans++
	id := s.Attribute(shopv1.AttrTransaction)
	switch s.Attribute(shopv1.AttrAudit) {
	case shopv1.AuditPlaced:
		b.placed[id] = true
	case shopv1.AuditRefunded:
		b.refunded[id] = true
		if operation := s.Operation(); operation == refundMethod || operation == voidMethod {
			return // its charge may be older than what is audited
		}
	case shopv1.AuditCharged:
	default:
		return
	}
	// Each of them had a charge, also where payment was killed before it sent the span of that.
	if first, ok := b.charged[id]; !ok || s.End.Before(first.at) {
		b.charged[id] = charge{s.End, s.Trace.String(), s.Span.String()}
	}
}
