package daemon

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/observe/spans"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/suggest"
	"github.com/shopctl/shopctl/pkg/trace"
	"github.com/shopctl/shopctl/services"
)

// lastTrace stands for the newest trace where an id is wanted.
const lastTrace = "last"

// defaultTraces is how many traces are listed unless told otherwise; maxTraces is the most that are.
const defaultTraces, maxTraces = 20, 10_000

func (a *api) ListTraces(_ context.Context, req *controlpb.ListTracesRequest) (*controlpb.ListTracesResponse, error) {
	filter, err := a.traceFilter(req.GetFilter())
	if err != nil {
		return nil, err
	}
	limit := int(req.GetLimit())
	switch {
	case limit < 0:
		return nil, control.Error(codes.InvalidArgument, fmt.Sprintf("list traces: %d of them", limit), "use a number above zero", 2)
	case limit == 0:
		limit = defaultTraces
	}
	resp := &controlpb.ListTracesResponse{Store: a.traceStore()}
	for _, sum := range a.spans.List(filter, min(limit, maxTraces)) {
		resp.Traces = append(resp.Traces, protoSummary(sum))
	}
	return resp, nil
}

// arrival is how long a trace that was asked for by its whole id may take to come: services send their spans
// a moment after they ended.
const arrival = time.Second

// gathered is how long services keep spans to send several at once, and a little for the way: after that, what
// a request that has ended did is known.
const gathered = 300 * time.Millisecond

func (a *api) GetTrace(ctx context.Context, req *controlpb.GetTraceRequest) (*controlpb.GetTraceResponse, error) {
	if id, err := hex.DecodeString(req.GetId()); err == nil && len(id) == len(trace.ID{}) {
		a.spans.Settle(ctx, trace.ID(id), arrival)
	}
	sum, err := a.findTrace(ctx, req.GetId(), req.GetFilter())
	if err != nil {
		return nil, err
	}
	sum, otlp, ok := a.spans.Trace(sum.ID)
	if !ok {
		return nil, noTrace(sum.ID.String()) // forgotten in between
	}
	return &controlpb.GetTraceResponse{Summary: protoSummary(sum), Otlp: otlp}, nil
}

func (a *api) FollowTraces(req *controlpb.FollowTracesRequest, stream grpc.ServerStreamingServer[controlpb.TraceSummary]) error {
	filter, err := a.traceFilter(req.GetFilter())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	defer context.AfterFunc(a.leaving, cancel)()
	after := a.spans.Begun()
	if err := stream.SendHeader(nil); err != nil { // from here on, nothing is missed
		return err
	}
	err = a.spans.Follow(ctx, filter, after, func(sum spans.Summary) error { return stream.Send(protoSummary(sum)) })
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// findTrace finds the one trace that is meant by an id, the beginning of one, or "last".
func (a *api) findTrace(ctx context.Context, id string, f *controlpb.TraceFilter) (spans.Summary, error) {
	if id == lastTrace {
		return a.newestTrace(ctx, f)
	}
	if !isTraceID(id) {
		return spans.Summary{}, badTraceID(id)
	}
	switch found := a.spans.Find(id, 5); len(found) {
	case 0:
		return spans.Summary{}, noTrace(id)
	case 1:
		return found[0], nil
	default:
		ids := make([]string, len(found))
		for i, sum := range found {
			ids[i] = sum.ID.String()
		}
		return spans.Summary{}, control.Error(codes.InvalidArgument, fmt.Sprintf("%q begins the ids of several traces", id), "one of "+strings.Join(ids, ", "), 2)
	}
}

// newestTrace finds the newest trace of those that had begun when it was called, also one that ended a moment ago
// and whose spans are on their way.
func (a *api) newestTrace(ctx context.Context, f *controlpb.TraceFilter) (spans.Summary, error) {
	filter, err := a.traceFilter(f)
	if err != nil {
		return spans.Summary{}, err
	}
	if filter.Until.IsZero() {
		filter.Until = a.now()
	}
	select {
	case <-ctx.Done():
		return spans.Summary{}, status.FromContextError(ctx.Err()).Err()
	case <-time.After(gathered):
	}
	found := a.spans.List(filter, 1)
	if len(found) == 0 {
		return spans.Summary{}, control.Error(codes.NotFound, "no trace found", "send a request first, such as: shopctl call catalog ListProducts --trace", 1)
	}
	a.spans.Settle(ctx, found[0].ID, arrival)
	return found[0], nil
}

// isTraceID tells whether text can be an id or the beginning of one.
func isTraceID(text string) bool { return isHex(text, 32) }

func isHex(text string, most int) bool {
	even := text + strings.Repeat("0", len(text)%2)
	_, err := hex.DecodeString(even)
	return text != "" && len(text) <= most && err == nil
}

func badTraceID(id string) error {
	return control.Error(codes.InvalidArgument, fmt.Sprintf("%q is no trace id: want up to 32 hexadecimal digits, or last", id), "shopctl trace list", 2)
}

func noTrace(id string) error {
	return control.Error(codes.NotFound, fmt.Sprintf("no trace %s: it never came, or was forgotten for newer ones", id), "shopctl trace list", 1)
}

// traceFilter reads a filter. The service may be called by any name; it must be one of the shop, or one that
// has sent spans.
func (s *shop) traceFilter(f *controlpb.TraceFilter) (spans.Filter, error) {
	filter := spans.Filter{Operation: f.GetOperation(), Error: f.GetError(), Min: f.GetMinDuration().AsDuration(), Max: f.GetMaxDuration().AsDuration()}
	if f.GetSince() != nil {
		filter.Since = f.GetSince().AsTime()
	}
	if f.GetUntil() != nil {
		filter.Until = f.GetUntil().AsTime()
	}
	name := f.GetService()
	if name == "" {
		return filter, nil
	}
	filter.Services = []string{name}
	if b, ok := services.Lookup(name); ok {
		filter.Services = []string{b.Name, b.Workload}
		return filter, nil
	}
	if key, ok := s.names().find(name); ok {
		filter.Services = append(filter.Services, key.Name)
		return filter, nil
	}
	if len(s.spans.List(spans.Filter{Services: filter.Services}, 1)) > 0 {
		return filter, nil
	}
	known := append(s.names().all(), s.spans.Services()...)
	hint := "services: " + strings.Join(slices.Compact(slices.Sorted(slices.Values(known))), ", ")
	if near := suggest.Match(name, known); near != "" {
		hint = fmt.Sprintf("did you mean %s? %s", near, hint)
	}
	return filter, control.Error(codes.NotFound, fmt.Sprintf("no service %q, and no span of one", name), hint, 2)
}

// traceStore tells what is kept.
func (s *shop) traceStore() *controlpb.TraceStore {
	st := s.spans.Stats()
	out := &controlpb.TraceStore{
		Traces: int64(st.Traces), Spans: int64(st.Spans), Bytes: int64(st.Bytes), MaxBytes: int64(st.MaxBytes),
		Received: st.Received, Refused: st.Refused, Evicted: st.Evicted,
	}
	if s.forward != nil {
		out.Forward = s.cfg.SpansForward
		out.Forwarded, out.ForwardDropped = s.forward.Counts()
	}
	return out
}

func protoSummary(s spans.Summary) *controlpb.TraceSummary {
	return &controlpb.TraceSummary{
		TraceId: s.ID.String(), RootService: s.RootService, RootName: s.RootName, EntryService: s.EntryService, EntryName: s.EntryName, Start: timestamppb.New(s.Start),
		Duration: durationpb.New(s.Duration), Spans: int32(s.Spans), Errors: int32(s.Errors), Services: s.Services, Failed: s.Failed,
	}
}
