package probe

import (
	"context"
	"fmt"
	"strings"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
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
	r.Verdict = verdict(holds)
	return r
}

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
