package probe

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/shellword"
	"github.com/shopctl/shopctl/pkg/strictyaml"
	"github.com/shopctl/shopctl/pkg/trace"
)

// Trace looks for traces since the step began that meet all conditions.
type Trace struct {
	At strictyaml.Position
	// Service, Operation and Error select traces that have such a span.
	Service   string `yaml:"service"`
	Operation string `yaml:"operation"`
	Error     bool   `yaml:"error"`
	// Above and Below bound the whole trace's duration.
	Within `yaml:",inline"`
	// AtLeast is how many traces must match; default 1.
	AtLeast int `yaml:"at_least"`
	// Services must all take part in a trace, those of Without must not.
	Services Strings `yaml:"services"`
	Without  Strings `yaml:"without"`
	// Proxy includes the spans of sidecars, as trace show --proxy does.
	Proxy bool `yaml:"proxy"`
	// Spans must all be found in a trace.
	Spans []Span `yaml:"spans"`
}

// Validate implements Probe.
func (t *Trace) Validate(report Report) {
	if t.Service == "" && t.Operation == "" && len(t.Spans) == 0 && len(t.Services) == 0 {
		report(t.At, "a trace check has a service, an operation, services or spans")
	}
	if t.Below > 0 && t.Below <= t.Above {
		report(t.At, "no duration is above %s and below %s", t.Above, t.Below)
	}
	for _, s := range t.Spans {
		if s.Service == "" && s.Name == "" {
			report(s.At, "a span has a service or a name")
		}
		if kinds := s.Kind.Values(); s.Kind != "" && !slices.Contains(kinds, string(s.Kind)) {
			report(s.At, "unknown kind %q%s", s.Kind, strictyaml.DidYouMean(string(s.Kind), kinds))
		}
		if p := s.Parent; p != nil && p.Service == "" && p.Name == "" {
			report(p.At, "a parent has a service or a name")
		}
		for _, a := range s.Attributes {
			if a.Key == "" || a.empty() {
				report(a.At, "an attribute has a key and a condition")
			}
		}
		report.bounds(s.Count)
	}
}

// ProbeKind implements Probe.
func (*Trace) ProbeKind() string { return "trace" }

// NamedServices implements Probe.
func (t *Trace) NamedServices() []Named {
	all := []Named{{t.Service, t.At}}
	for _, list := range []Strings{t.Services, t.Without} {
		for _, name := range list {
			all = append(all, Named{name, t.At})
		}
	}
	for _, s := range t.Spans {
		all = append(all, Named{s.Service, s.At})
		if s.Parent != nil {
			all = append(all, Named{s.Parent.Service, s.Parent.At})
		}
	}
	return all
}

// Lookback implements Probe.
func (*Trace) Lookback() time.Duration { return 0 }

// Triggers implements Probe.
func (*Trace) Triggers() Event { return TraceEnded }

// maxTraces bounds the traces that one evaluation reads, the newest first.
const maxTraces = 20

// Command implements Probe.
func (t *Trace) Command() string {
	words := []string{"shopctl", "trace", "list"}
	if t.Service != "" {
		words = append(words, "--service", t.Service)
	}
	if t.Operation != "" {
		words = append(words, "--operation", t.Operation)
	}
	return shellword.Join(words...)
}

// Evidence implements Probe.
func (t *Trace) Evidence() Evidence {
	return Evidence{Kind: TraceEvidence, Service: t.Service}
}

// Ask implements Probe. It looks for traces since the step began that meet all conditions.
func (t *Trace) Ask(ctx context.Context, env Env, base Baseline) Result {
	least := max(t.AtLeast, 1)
	r := Result{Verdict: Inconclusive, Expected: wantedTrace(t, least)}
	list, err := env.Shop.ListTraces(ctx, &controlpb.ListTracesRequest{Filter: traceFilter(t, base), Limit: int32(max(maxTraces, least))})
	if err != nil {
		r.Observed = status.Convert(err).Message()
		return r
	}
	names := env.names(ctx)
	found, arriving, missing := 0, 0, ""
	looked := Evidence{Kind: TraceEvidence, Service: t.Service}
	for _, s := range list.GetTraces() {
		if s.GetArriving() { // what it lacks may still come, and what it must not have too
			arriving++
			continue
		}
		lacks, span, err := env.lacking(ctx, t, s, names)
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
	complete := len(list.GetTraces()) - arriving
	r.Verdict = verdict(found >= least)
	switch {
	case arriving > 0 && complete == 0:
		r.Verdict = Inconclusive
		r.Observed = "spans of " + humanize.Count(arriving, "trace") + " are still coming"
	case found >= least:
		r.Observed = humanize.Count(found, "trace") + ", such as " + trace.ShortID(looked.Trace)
	case len(list.GetTraces()) == 0:
		r.Observed = "no such trace since the step began"
	default:
		r.Observed = fmt.Sprintf("%d of %s; %s", found, humanize.Count(complete, "trace"), missing)
	}
	r.Evidence = looked
	if looked.Trace != "" {
		r.Look = "shopctl trace show " + looked.Trace
		if t.Proxy {
			r.Look += " --proxy"
		}
	}
	return r
}

func traceFilter(want *Trace, base Baseline) *controlpb.TraceFilter {
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
func (env Env) lacking(ctx context.Context, want *Trace, s *controlpb.TraceSummary, names aliases) (lacks, span string, err error) {
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
	resp, err := env.Shop.GetTrace(ctx, &controlpb.GetTraceRequest{Id: s.GetTraceId()})
	if err != nil {
		return "", "", err
	}
	var data tracepb.TracesData
	if err := proto.Unmarshal(resp.GetOtlp(), &data); err != nil {
		return "", "", fmt.Errorf("read trace %s: %w", trace.ShortID(s.GetTraceId()), err)
	}
	spans, _ := trace.Spans(&data)
	assemble := trace.Assemble
	if want.Proxy {
		assemble = trace.AssembleAll
	}
	for _, t := range assemble(spans) {
		if lacks, span = lackingSpan(want.Spans, t, names); lacks != "" {
			return lacks, span, nil
		}
	}
	return "", span, nil
}

func wantedTrace(want *Trace, least int) string {
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
