package api

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
	"github.com/shopctl/shopctl/pkg/daemon/names"
	"github.com/shopctl/shopctl/pkg/observe/spans"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/suggest"
	"github.com/shopctl/shopctl/pkg/trace"
	"github.com/shopctl/shopctl/services"
)

// lastTrace means the newest trace in place of an id.
const lastTrace = "last"

// defaultTraces is how many traces are listed by default, maxTraces the most.
const defaultTraces, maxTraces = 20, 10_000

// tracesServer serves traces.
type tracesServer struct {
	controlpb.UnimplementedTracesServer
	spans *spans.Store
	names *names.Directory
	// forward counts the spans that are forwarded to forwardTo; nil if none are.
	forward   forwarder
	forwardTo string
	leaving   <-chan struct{}
	now       func() time.Time
}

// forwarder counts the spans that it forwarded and dropped.
type forwarder interface {
	Counts() (forwarded, dropped int64)
}

// ListTraces returns the traces that match, newest first.
func (s *tracesServer) ListTraces(ctx context.Context, req *controlpb.ListTracesRequest) (*controlpb.ListTracesResponse, error) {
	filter, err := s.traceFilter(req.GetFilter())
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
	if req.GetSettle() {
		if filter.Until.IsZero() {
			filter.Until = s.now()
		}
		settle(ctx, s.spans)
	}
	resp := &controlpb.ListTracesResponse{Store: s.traceStore()}
	for _, sum := range s.spans.List(filter, min(limit, maxTraces)) {
		resp.Traces = append(resp.Traces, protoSummary(sum))
	}
	return resp, nil
}

// arrival is how long GetTrace waits for a trace with a complete id: services send their spans a moment after they ended.
const arrival = time.Second

// gathered is how long services keep spans to send them in batches, and a little for the transfer: after that, the spans of
// a finished request have arrived.
const gathered = 300 * time.Millisecond

// settle waits for the spans of requests that ended before.
func settle(ctx context.Context, all *spans.Store) {
	select {
	case <-ctx.Done():
	case <-time.After(gathered):
		all.Gather(ctx, arrival)
	}
}

// GetTrace returns one trace with all of its spans.
func (s *tracesServer) GetTrace(ctx context.Context, req *controlpb.GetTraceRequest) (*controlpb.GetTraceResponse, error) {
	if id, err := hex.DecodeString(req.GetId()); err == nil && len(id) == len(trace.ID{}) {
		s.spans.Settle(ctx, trace.ID(id), arrival)
	}
	sum, err := s.findTrace(ctx, req)
	if err != nil {
		return nil, err
	}
	sum, otlp, ok := s.spans.Trace(sum.ID)
	if !ok {
		return nil, noTrace(sum.ID.String()) // evicted in between
	}
	return &controlpb.GetTraceResponse{Summary: protoSummary(sum), Otlp: otlp}, nil
}

// FollowTraces sends each trace that matches once, when it is complete.
func (s *tracesServer) FollowTraces(req *controlpb.FollowTracesRequest, stream grpc.ServerStreamingServer[controlpb.TraceSummary]) error {
	filter, err := s.traceFilter(req.GetFilter())
	if err != nil {
		return err
	}
	ctx, cancel := until(stream.Context(), s.leaving)
	defer cancel()
	after := s.spans.Begun()
	if err := stream.SendHeader(nil); err != nil { // from here on, no trace is missed
		return err
	}
	err = s.spans.Follow(ctx, filter, after, func(sum spans.Summary) error { return stream.Send(protoSummary(sum)) })
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// findTrace finds the one trace with an id, with an id that begins so, or the last one.
func (s *tracesServer) findTrace(ctx context.Context, req *controlpb.GetTraceRequest) (spans.Summary, error) {
	id := req.GetId()
	if id == lastTrace {
		return s.newestTrace(ctx, req.GetFilter(), req.GetWait().AsDuration())
	}
	if !isTraceID(id) {
		return spans.Summary{}, badTraceID(id)
	}
	switch found := s.spans.Find(id, 5); len(found) {
	case 0:
		return spans.Summary{}, noTrace(id)
	case 1:
		return found[0], nil
	default:
		ids := make([]string, len(found))
		for i, sum := range found {
			ids[i] = sum.ID.String()
		}
		return spans.Summary{}, control.Error(codes.InvalidArgument, fmt.Sprintf("%q is the beginning of several trace ids", id), "one of "+strings.Join(ids, ", "), 2)
	}
}

// newestTrace finds the newest trace of those that had begun when it was called, including one that ended a moment ago and
// whose spans have not arrived yet. If there is none, it waits at most wait for the first that matches.
func (s *tracesServer) newestTrace(ctx context.Context, f *controlpb.TraceFilter, wait time.Duration) (spans.Summary, error) {
	filter, err := s.traceFilter(f)
	if err != nil {
		return spans.Summary{}, err
	}
	if !filter.Until.IsZero() {
		wait = 0
	} else {
		filter.Until = s.now()
	}
	for waited := time.Duration(0); ; waited += gathered {
		select {
		case <-ctx.Done():
			return spans.Summary{}, status.FromContextError(ctx.Err()).Err()
		case <-time.After(gathered):
		}
		if found := s.spans.List(filter, 1); len(found) > 0 {
			s.spans.Settle(ctx, found[0].ID, arrival)
			return found[0], nil
		}
		if waited >= wait {
			return spans.Summary{}, control.Error(codes.NotFound, "no trace found", "send a request first, such as: shopctl call catalog ListProducts --trace", 1)
		}
		filter.Until = time.Time{}
	}
}

// isTraceID reports whether text can be an id or the beginning of one.
func isTraceID(text string) bool { return isHex(text, 32) }

func isHex(text string, maxDigits int) bool {
	even := text + strings.Repeat("0", len(text)%2)
	_, err := hex.DecodeString(even)
	return text != "" && len(text) <= maxDigits && err == nil
}

func badTraceID(id string) error {
	return control.Error(codes.InvalidArgument, fmt.Sprintf("%q is not a trace id: want up to 32 hexadecimal digits, or last", id), "shopctl trace list", 2)
}

func noTrace(id string) error {
	return control.Error(codes.NotFound, fmt.Sprintf("no trace %s: it was never received, or was evicted for newer ones", id), "shopctl trace list", 1)
}

// traceFilter reads a filter. The service may have any of its names; it must be one of the shop, or have sent spans.
func (s *tracesServer) traceFilter(f *controlpb.TraceFilter) (spans.Filter, error) {
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
	if key, _, err := s.names.Resolve(name); err == nil {
		filter.Services = []string{s.names.Display(key), s.names.Spans(key)}
		return filter, nil
	}
	if b, ok := services.Lookup(name); ok {
		filter.Services = []string{b.Name, b.Workload}
		return filter, nil
	}
	if len(s.spans.List(spans.Filter{Services: filter.Services}, 1)) > 0 {
		return filter, nil
	}
	known := append(s.names.All(), s.spans.Services()...)
	hint := "services: " + strings.Join(slices.Compact(slices.Sorted(slices.Values(known))), ", ")
	if near := suggest.Match(name, known); near != "" {
		hint = fmt.Sprintf("did you mean %s? %s", near, hint)
	}
	return filter, control.Error(codes.NotFound, fmt.Sprintf("no service %q, and no spans of it", name), hint, 2)
}

// traceStore describes the store of spans.
func (s *tracesServer) traceStore() *controlpb.TraceStore {
	st := s.spans.Stats()
	out := &controlpb.TraceStore{
		Traces: int64(st.Traces), Spans: int64(st.Spans), Bytes: int64(st.Bytes), MaxBytes: int64(st.MaxBytes),
		Received: st.Received, Refused: st.Refused, Evicted: st.Evicted,
	}
	if s.forward != nil {
		out.Forward = s.forwardTo
		out.Forwarded, out.ForwardDropped = s.forward.Counts()
	}
	return out
}

// protoSummary leaves out a duration that is not known.
func protoSummary(s spans.Summary) *controlpb.TraceSummary {
	out := &controlpb.TraceSummary{
		TraceId: s.ID.String(), RootService: s.RootService, RootName: s.RootName, EntryService: s.EntryService, EntryName: s.EntryName, Start: timestamppb.New(s.Start),
		Received: timestamppb.New(s.Received), Spans: int32(s.Spans), ProxySpans: int32(s.ProxySpans), Errors: int32(s.Errors), Services: s.Services, Failed: s.Failed, Arriving: s.Arriving,
	}
	if s.Timed {
		out.Duration = durationpb.New(s.Duration)
	}
	return out
}
