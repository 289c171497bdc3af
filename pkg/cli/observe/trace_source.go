package observe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/trace"
)

// traceSource holds traces: the shop, or a file.
type traceSource interface {
	// List returns the newest traces that match, at most limit.
	List(ctx context.Context, filter *controlpb.TraceFilter, limit int32) (*controlpb.ListTracesResponse, error)
	// Get returns one trace, as it was sent.
	Get(ctx context.Context, id string, filter *controlpb.TraceFilter) (*tracepb.TracesData, error)
}

// lastID is the id that means the newest trace.
const lastID = "last"

// shopTraces are the traces stored by the shop.
type shopTraces struct {
	shop *control.Client
	// wait is how long to wait for the newest trace, if none matches yet.
	wait time.Duration
}

func (s shopTraces) List(ctx context.Context, filter *controlpb.TraceFilter, limit int32) (*controlpb.ListTracesResponse, error) {
	return s.shop.ListTraces(ctx, &controlpb.ListTracesRequest{Filter: filter, Limit: limit, Settle: true})
}

func (s shopTraces) Get(ctx context.Context, id string, filter *controlpb.TraceFilter) (*tracepb.TracesData, error) {
	resp, err := s.shop.GetTrace(ctx, &controlpb.GetTraceRequest{Id: id, Filter: filter, Wait: durationpb.New(s.wait)})
	if err != nil {
		return nil, err
	}
	data := &tracepb.TracesData{}
	if err := proto.Unmarshal(resp.GetOtlp(), data); err != nil {
		return nil, fmt.Errorf("read trace: %w", err)
	}
	return data, nil
}

// fileTraces are the traces of a file, the newest first.
type fileTraces struct {
	path   string
	data   *tracepb.TracesData
	Traces []*trace.Trace
}

// openTraces reads a file; "-" means in.
func openTraces(path string, in io.Reader) (*fileTraces, error) {
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, cmdutil.HintErr(cmdutil.ExitUsage, "shopctl trace show last -o otlp > trace.json", fmt.Errorf("open traces: %w", err))
		}
		defer file.Close()
		in = file
	}
	data, err := trace.ReadFile(in)
	if err != nil {
		return nil, cmdutil.HintErr(cmdutil.ExitUsage, "shopctl trace show last -o otlp writes a file that can be opened", fmt.Errorf("open traces: %s: %w", path, err))
	}
	spans, refused := trace.Spans(data)
	if len(spans) == 0 {
		return nil, cmdutil.HintErr(cmdutil.ExitUsage, "open a file of the collector's file exporter, or of: shopctl trace show last -o otlp",
			fmt.Errorf("open traces: %s: no valid spans (%d without a valid id)", path, refused))
	}
	f := &fileTraces{path: path, data: data, Traces: trace.Assemble(spans)}
	slices.SortStableFunc(f.Traces, func(a, b *trace.Trace) int { return b.Start.Compare(a.Start) })
	return f, nil
}

func (f *fileTraces) List(_ context.Context, filter *controlpb.TraceFilter, limit int32) (*controlpb.ListTracesResponse, error) {
	resp := &controlpb.ListTracesResponse{}
	for _, t := range f.Traces {
		if matches(t, filter) && len(resp.GetTraces()) < int(limit) {
			resp.Traces = append(resp.Traces, summarize(t))
		}
	}
	return resp, nil
}

func (f *fileTraces) Get(_ context.Context, id string, filter *controlpb.TraceFilter) (*tracepb.TracesData, error) {
	var found []*trace.Trace
	for _, t := range f.Traces {
		if id == lastID && matches(t, filter) || strings.HasPrefix(t.ID.String(), strings.ToLower(id)) {
			found = append(found, t)
		}
	}
	list := "shopctl trace open " + f.path
	switch {
	case len(found) == 0:
		return nil, cmdutil.HintErr(cmdutil.ExitFailed, list, fmt.Errorf("no trace %s in %s", id, f.path))
	case len(found) > 1 && id != lastID:
		return nil, cmdutil.HintErr(cmdutil.ExitUsage, list, fmt.Errorf("%q is a prefix of several trace ids in %s", id, f.path))
	}
	return only(f.data, found[0].ID), nil
}

// only returns the part of data that belongs to one trace.
func only(data *tracepb.TracesData, id trace.ID) *tracepb.TracesData {
	out := &tracepb.TracesData{}
	for _, rs := range data.GetResourceSpans() {
		kept := &tracepb.ResourceSpans{Resource: rs.GetResource(), SchemaUrl: rs.GetSchemaUrl()}
		for _, ss := range rs.GetScopeSpans() {
			spans := slices.DeleteFunc(slices.Clone(ss.GetSpans()), func(s *tracepb.Span) bool { return string(s.GetTraceId()) != string(id[:]) })
			if len(spans) > 0 {
				kept.ScopeSpans = append(kept.ScopeSpans, &tracepb.ScopeSpans{Scope: ss.GetScope(), Spans: spans, SchemaUrl: ss.GetSchemaUrl()})
			}
		}
		if len(kept.GetScopeSpans()) > 0 {
			out.ResourceSpans = append(out.ResourceSpans, kept)
		}
	}
	return out
}

// matches applies the daemon's filter to a trace of a file.
func matches(t *trace.Trace, f *controlpb.TraceFilter) bool {
	took := t.Duration()
	switch {
	case f.GetError() && t.Errors == 0,
		f.GetMinDuration() != nil && took < f.GetMinDuration().AsDuration(),
		f.GetMaxDuration() != nil && (!t.Timed() || took > f.GetMaxDuration().AsDuration()),
		f.GetSince() != nil && t.Start.Before(f.GetSince().AsTime()):
		return false
	}
	return slices.ContainsFunc(t.Spans, func(s *trace.Span) bool {
		ours := f.GetService() == "" || strings.EqualFold(s.Service, f.GetService()) || strings.EqualFold(serviceOfSpan(s.Service), f.GetService())
		return ours && strings.Contains(strings.ToLower(s.Name), strings.ToLower(f.GetOperation()))
	})
}

func summarize(t *trace.Trace) *controlpb.TraceSummary {
	root := t.Root()
	out := &controlpb.TraceSummary{
		TraceId: t.ID.String(), RootService: root.Service, RootName: root.Name, Start: timestamppb.New(t.Start),
		ProxySpans: int32(t.Folded), Spans: int32(len(t.Spans)), Errors: int32(t.Errors), Services: t.Services, Failed: root.Error,
	}
	if t.Timed() {
		out.Duration = durationpb.New(t.Duration())
	}
	return out
}

// getTrace gets one trace and assembles it.
func getTrace(ctx context.Context, from traceSource, id string, filter *controlpb.TraceFilter, proxy bool) (*trace.Trace, *tracepb.TracesData, error) {
	data, err := from.Get(ctx, id, filter)
	if err != nil {
		return nil, nil, err
	}
	spans, _ := trace.Spans(data)
	assemble := trace.Assemble
	if proxy {
		assemble = trace.AssembleAll
	}
	traces := assemble(spans)
	if len(traces) == 0 {
		return nil, nil, cmdutil.HintErr(cmdutil.ExitFailed, "shopctl trace list", errors.New("the trace has no readable spans"))
	}
	return traces[0], data, nil
}

// nanoseconds formats a time with nanoseconds.
func nanoseconds(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
