package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/trace"
)

// maxTraces bounds the traces that one evaluation reads, the newest first.
const maxTraces = 20

// traceAsker evaluates probe.Trace.
type traceAsker struct{ *probe.Trace }

func (a traceAsker) command() string {
	line := "shopctl trace list"
	if a.Service != "" {
		line += " --service " + a.Service
	}
	if a.Operation != "" {
		line += " --operation " + quoted(a.Operation)
	}
	return line
}

func (a traceAsker) evidence() Evidence {
	return Evidence{Kind: TraceEvidence, Service: a.Service}
}

// evaluate looks for traces since the step began that meet all conditions.
func (a traceAsker) evaluate(ctx context.Context, p Prober, base Baseline) Result {
	want := a.Trace
	least := max(want.AtLeast, 1)
	r := Result{Verdict: Inconclusive, Expected: wantedTrace(want, least)}
	list, err := p.Shop.ListTraces(ctx, &controlpb.ListTracesRequest{Filter: traceFilter(want, base), Limit: int32(max(maxTraces, least))})
	if err != nil {
		r.Observed = status.Convert(err).Message()
		return r
	}
	names := p.names(ctx)
	found, missing := 0, ""
	looked := Evidence{Kind: TraceEvidence, Service: want.Service}
	for _, s := range list.GetTraces() {
		lacks, span, err := p.lacking(ctx, want, s, names)
		if err != nil {
			r.Observed = status.Convert(err).Message()
			return r
		}
		if lacks == "" {
			found++
			looked.Trace, looked.Span = s.GetTraceId(), span
		} else if missing == "" {
			missing = fmt.Sprintf("trace %s: %s", trace.ShortID(s.GetTraceId()), lacks)
			if looked.Trace == "" {
				looked.Trace, looked.Span = s.GetTraceId(), span
			}
		}
		if found >= least {
			break
		}
	}
	r.Verdict = verdict(found >= least)
	switch {
	case found >= least:
		r.Observed = humanize.Count(found, "trace") + ", such as " + trace.ShortID(looked.Trace)
	case len(list.GetTraces()) == 0:
		r.Observed = "no such trace since the step began"
	default:
		r.Observed = fmt.Sprintf("%d of %s; %s", found, humanize.Count(len(list.GetTraces()), "trace"), missing)
	}
	r.Evidence = looked
	if looked.Trace != "" {
		r.Look = "shopctl trace show " + looked.Trace
	}
	return r
}

func traceFilter(want *probe.Trace, base Baseline) *controlpb.TraceFilter {
	f := &controlpb.TraceFilter{Service: want.Service, Operation: want.Operation, Error: want.Error}
	if !base.Since.IsZero() {
		f.Since = timestamppb.New(base.Since)
	}
	if want.Above > 0 {
		f.MinDuration = durationpb.New(want.Above)
	}
	if want.Below > 0 {
		f.MaxDuration = durationpb.New(want.Below)
	}
	return f
}

// lacking describes what a trace lacks, empty if it meets all conditions; and the id of the span that decided, empty if none
// did.
func (p Prober) lacking(ctx context.Context, want *probe.Trace, s *controlpb.TraceSummary, names aliases) (lacks, span string, err error) {
	for _, service := range want.Services {
		if !slices.ContainsFunc(s.GetServices(), func(is string) bool { return names.same(is, service) }) {
			return service + " does not take part", "", nil
		}
	}
	for _, service := range want.Without {
		if slices.ContainsFunc(s.GetServices(), func(is string) bool { return names.same(is, service) }) {
			return service + " takes part", "", nil
		}
	}
	if len(want.Spans) == 0 {
		return "", "", nil
	}
	resp, err := p.Shop.GetTrace(ctx, &controlpb.GetTraceRequest{Id: s.GetTraceId()})
	if err != nil {
		return "", "", err
	}
	var data tracepb.TracesData
	if err := proto.Unmarshal(resp.GetOtlp(), &data); err != nil {
		return "", "", fmt.Errorf("read trace %s: %w", trace.ShortID(s.GetTraceId()), err)
	}
	spans, _ := trace.Spans(&data)
	for _, t := range trace.Assemble(spans) {
		if lacks, span = lackingSpan(want.Spans, t, names); lacks != "" {
			return lacks, span, nil
		}
	}
	return "", span, nil
}

// lackingSpan looks for the wanted spans. Of those with the name, the last that matches decides, or else the last.
func lackingSpan(want []probe.Span, t *trace.Trace, names aliases) (lacks, decides string) {
	for i := range want {
		w := &want[i]
		n, named := 0, 0
		for _, s := range t.Spans {
			if !isNamed(s, w.Service, w.Name, names) {
				continue
			}
			named++
			ok := fits(w, s, names)
			if ok {
				n++
			}
			if ok || n == 0 {
				decides = s.Span.String()
			}
		}
		if w.Count == nil && n > 0 || w.Count != nil && w.Count.Holds(float64(n)) {
			continue
		}
		is := fmt.Sprintf("%s: %d", wantedSpan(w), n)
		if named > n {
			is += fmt.Sprintf(" of %d with that name", named)
		}
		return is, decides
	}
	return "", decides
}

func isNamed(s *trace.Span, service, name string, names aliases) bool {
	return (service == "" || names.same(s.Service, service)) && (name == "" || s.Name == name || s.Operation() == name)
}

func fits(w *probe.Span, s *trace.Span, names aliases) bool {
	if w.Kind != "" && s.Kind.String() != string(w.Kind) || w.Error != nil && s.Error != *w.Error || !w.Holds(s.Duration()) {
		return false
	}
	for _, a := range w.Attributes {
		if !matches(a.Match, attributeOf(s, a.Key)) {
			return false
		}
	}
	return w.Parent == nil || isCalledBy(s, w.Parent, names)
}

// attributeOf is the value of an attribute, nil if the span does not have it.
func attributeOf(s *trace.Span, key string) any {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value
		}
	}
	return nil
}

// isCalledBy examines the ancestors up to the one that served the caller's own request, so that a method is found above
// the client's span in between.
func isCalledBy(s *trace.Span, p *probe.Parent, names aliases) bool {
	for up := s.Up; up != nil; up = up.Up {
		if isNamed(up, p.Service, p.Name, names) {
			return true
		}
		if up.Kind == trace.Server || up.Kind == trace.Consumer {
			return false
		}
	}
	return false
}

func wantedTrace(want *probe.Trace, least int) string {
	text := strings.TrimSpace(want.Service + " " + want.Operation)
	if text != "" {
		text = " of " + text
	}
	text = humanize.Count(least, "trace") + text
	if want.Error {
		text += " with an error"
	}
	if w := want.Within.String(); w != "" {
		text += " in " + w
	}
	var parts []string
	if len(want.Services) > 0 {
		parts = append(parts, "through "+strings.Join(want.Services, ", "))
	}
	if len(want.Without) > 0 {
		parts = append(parts, "without "+strings.Join(want.Without, ", "))
	}
	for i := range want.Spans {
		w := &want.Spans[i]
		part := wantedSpan(w)
		if w.Count != nil {
			part += " " + w.Count.String() + " times"
		}
		parts = append(parts, part)
	}
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, "; ")
	}
	return text
}

func wantedSpan(w *probe.Span) string {
	parts := []string{strings.TrimSpace(w.Service + " " + w.Name)}
	if w.Kind != "" {
		parts = append(parts, "("+string(w.Kind)+")")
	}
	if w.Error != nil {
		parts = append(parts, map[bool]string{true: "failed", false: "without an error"}[*w.Error])
	}
	if in := w.Within.String(); in != "" {
		parts = append(parts, "in "+in)
	}
	for _, a := range w.Attributes {
		parts = append(parts, "with "+a.Key+" "+words(a.Match))
	}
	if w.Parent != nil {
		parts = append(parts, "called by "+strings.TrimSpace(w.Parent.Service+" "+w.Parent.Name))
	}
	return strings.Join(parts, " ")
}
