package feed

import (
	"context"
	"fmt"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/trace"
)

// Query describes the data that the visible tab needs. The feed polls for it while the tab is visible.
type Query struct {
	Topic       Topic
	Service     string // empty: all services
	Trace       string // an id, or Newest; empty: the list
	ErrorsOnly  bool   // of the list: only traces with an error
	MinDuration time.Duration
	Object      resource.Key // one object; zero: the list
	Expr        string       // a PromQL expression; empty: the charts of the service
	Range       time.Duration
}

// Topic is the kind of data that a query is about; 0: none.
type Topic int

const (
	TopicTraces Topic = iota + 1
	TopicMetrics
	TopicAlerts
	TopicMap
	TopicObjects
	TopicMesh
)

// Newest is used as the id of the newest trace.
const Newest = "last"

// Result is the response to a query; Seq identifies the query.
type Result struct {
	Seq    int
	Traces *controlpb.ListTracesResponse
	Trace  *trace.Trace
	Charts []Chart
	// Objects are the list; Manifest is the lines of one of them.
	Objects  []Object
	Manifest []string
	// Sidecar is what the sidecar of a service holds.
	Sidecar *controlpb.GetSidecarResponse
	// Failure is why there is no result.
	Failure string
}

const (
	// pollInterval is how often the visible tab is polled. Metrics, objects and the mesh are polled half as often: they take
	// several requests or much data, and their pictures hardly change within a second.
	pollInterval = time.Second
	// backgroundInterval is how often the data is polled that every view shows: the alerts, and the effects of
	// faults.
	backgroundInterval = 3 * time.Second
	// pollTimeout bounds one request.
	pollTimeout = 5 * time.Second
	// maxTraces is how many traces the list holds.
	maxTraces = 200
)

// pollRequest is the current query; changed is closed when another one replaces it.
type pollRequest struct {
	Query
	seq     int
	changed chan struct{}
}

// SetQuery replaces the query. Results of earlier ones are dropped.
func (f *Feed) SetQuery(seq int, q Query) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if seq <= f.request.seq {
		return // a later query is in force already
	}
	close(f.request.changed)
	f.request = pollRequest{Query: q, seq: seq, changed: make(chan struct{})}
	f.pending.Result = nil
}

func (f *Feed) currentRequest() pollRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.request
}

// pollLoop polls for the current query, once per pollInterval as long as its result can change.
func (f *Feed) pollLoop(ctx context.Context, shop Shop) error {
	for ctx.Err() == nil {
		v := f.currentRequest()
		v.waitForNext(ctx, v.Topic != 0 && f.poll(ctx, shop, v))
	}
	return ctx.Err()
}

// waitForNext returns when the query has changed, or when it is time to poll again.
func (v pollRequest) waitForNext(ctx context.Context, again bool) {
	var tick <-chan time.Time
	if again {
		every := pollInterval
		if v.Topic == TopicMetrics || v.Topic == TopicObjects || v.Topic == TopicMesh {
			every = 2 * pollInterval
		}
		timer := time.NewTimer(every)
		defer timer.Stop()
		tick = timer.C
	}
	select {
	case <-v.changed:
	case <-tick:
	case <-ctx.Done():
	}
}

// Poll polls once for the current query.
func (f *Feed) Poll(ctx context.Context, shop Shop) { f.poll(ctx, shop, f.currentRequest()) }

// poll sends the requests of a query once, and reports whether to poll again.
func (f *Feed) poll(ctx context.Context, shop Shop, v pollRequest) bool {
	ctx, stop := cancelWhen(ctx, v.changed)
	defer stop()
	ctx, late := context.WithTimeout(ctx, pollTimeout)
	defer late()
	var s Result
	var err error
	again := true
	switch v.Topic {
	case TopicTraces:
		if v.Trace == "" {
			s.Traces, err = shop.ListTraces(ctx, &controlpb.ListTracesRequest{Filter: v.traceFilter(), Limit: maxTraces})
		} else {
			s.Trace, again, err = f.fetchTrace(ctx, shop, v)
		}
	case TopicMetrics:
		s.Charts, err = f.queryCharts(ctx, shop, v.Query)
	case TopicAlerts:
		err = f.pollAlerts(ctx, shop)
	case TopicMap:
		err = f.pollMap(ctx, shop)
	case TopicObjects:
		if v.Object == (resource.Key{}) {
			s.Objects, err = listObjects(ctx, shop)
		} else {
			s.Manifest, err = fetchManifest(ctx, shop, v.Object)
		}
	case TopicMesh:
		s.Sidecar, err = f.pollMesh(ctx, shop, v.Service)
	}
	if ctx.Err() != nil && err != nil && context.Cause(ctx) != context.DeadlineExceeded {
		return true // the result is no longer needed
	}
	if err != nil {
		s.Failure = failureText(err)
	}
	f.deliver(v, s)
	return again
}

// deliver sends the result of v, if v is still current.
func (f *Feed) deliver(v pollRequest, s Result) {
	s.Seq = v.seq
	f.update(func(b *Batch) {
		if f.request.seq == v.seq {
			b.Result = &s
		}
	})
}

// traceFilter is the query's filter for the daemon.
func (s Query) traceFilter() *controlpb.TraceFilter {
	f := &controlpb.TraceFilter{Service: s.Service, Error: s.ErrorsOnly}
	if s.MinDuration > 0 {
		f.MinDuration = durationpb.New(s.MinDuration)
	}
	return f
}

// newestComplete returns the id of the newest trace that matches and is probably complete: services send their spans
// at different times.
func (f *Feed) newestComplete(ctx context.Context, shop Traces, s Query) (string, error) {
	resp, err := shop.ListTraces(ctx, &controlpb.ListTracesRequest{Filter: s.traceFilter(), Limit: maxTraces})
	if err != nil {
		return "", err
	}
	for _, t := range resp.GetTraces() {
		if end := t.GetStart().AsTime().Add(t.GetDuration().AsDuration()); f.now().Sub(end) >= time.Second {
			return t.GetTraceId(), nil
		}
	}
	return Newest, nil
}

// fetchTrace returns one trace. It is fetched again while spans may still arrive.
func (f *Feed) fetchTrace(ctx context.Context, shop Traces, v pollRequest) (t *trace.Trace, again bool, err error) {
	id := v.Trace
	if id == Newest {
		if id, err = f.newestComplete(ctx, shop, v.Query); err != nil {
			return nil, true, err
		}
	}
	resp, err := shop.GetTrace(ctx, &controlpb.GetTraceRequest{Id: id, Filter: v.traceFilter()})
	if err != nil {
		return nil, v.Trace == Newest, err
	}
	var data tracepb.TracesData
	if err := proto.Unmarshal(resp.GetOtlp(), &data); err != nil {
		return nil, false, fmt.Errorf("read trace: %w", err)
	}
	spans, _ := trace.Spans(&data)
	all := trace.Assemble(spans)
	if len(all) == 0 {
		return nil, v.Trace == Newest, status.Error(codes.NotFound, "the trace has no spans")
	}
	return all[0], v.Trace == Newest || f.now().Sub(all[0].End) < settleTime, nil
}

// settleTime is how long spans of a trace may still arrive.
const settleTime = 10 * time.Second

// cancelWhen returns a context that also ends when changed is closed. stop must be called.
func cancelWhen(ctx context.Context, changed <-chan struct{}) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-changed:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(); <-stopped }
}

// backgroundLoop polls for what every view shows: the alerts, and the effects of active faults.
func (f *Feed) backgroundLoop(ctx context.Context, shop Shop) error {
	for ctx.Err() == nil {
		f.backgroundPoll(ctx, shop)
		if !sleep(ctx, backgroundInterval) {
			break
		}
	}
	return ctx.Err()
}

func (f *Feed) backgroundPoll(ctx context.Context, shop Shop) {
	ctx, late := context.WithTimeout(ctx, pollTimeout)
	defer late()
	f.mu.Lock()
	faults, inView := len(f.latest.GetFaults()), f.request.Topic
	f.mu.Unlock()
	// A failure is shown in the pane of its data, which polls for itself.
	if inView != TopicAlerts {
		_ = f.pollAlerts(ctx, shop)
	}
	if faults > 0 && inView != TopicMap {
		_ = f.pollMap(ctx, shop)
	}
}

// pollShared fetches what several panes show, and passes it on if it differs from what was fetched before.
func pollShared[M proto.Message](f *Feed, last *M, fetch func() (M, error), set func(*Batch, M)) error {
	resp, err := fetch()
	if err == nil && isNew(f, last, resp) {
		f.update(func(b *Batch) { set(b, resp) })
	}
	return err
}

// isNew keeps resp in last, and reports whether it differs from the one before.
func isNew[M proto.Message](f *Feed, last *M, resp M) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	same := proto.Equal(*last, resp)
	*last = resp
	return !same
}

func (f *Feed) pollAlerts(ctx context.Context, shop Metrics) error {
	return pollShared(f, &f.lastAlerts, func() (*controlpb.ListAlertsResponse, error) {
		resp, err := shop.ListAlerts(ctx, &controlpb.ListAlertsRequest{})
		for _, r := range resp.GetRules() {
			r.LastEvaluation = nil // it is always new, and not shown
		}
		return resp, err
	}, func(b *Batch, resp *controlpb.ListAlertsResponse) { b.Alerts = resp })
}

// pollMesh fetches what the sidecar of a service holds, and the map, which has what sidecars know of calls.
func (f *Feed) pollMesh(ctx context.Context, shop Shop, service string) (*controlpb.GetSidecarResponse, error) {
	held, err := shop.GetSidecar(ctx, &controlpb.GetSidecarRequest{Service: service, RowsOnly: true})
	if err != nil {
		return nil, err
	}
	return held, f.pollMap(ctx, shop)
}

func (f *Feed) pollMap(ctx context.Context, shop Map) error {
	return pollShared(f, &f.lastMap, func() (*controlpb.GetMapResponse, error) {
		resp, err := shop.GetMap(ctx, &controlpb.GetMapRequest{Window: durationpb.New(mapWindow)})
		if err == nil {
			resp.Time = nil // as above
		}
		return resp, err
	}, func(b *Batch, resp *controlpb.GetMapResponse) { b.Topology = resp })
}

// mapWindow is the period of the map's figures, the same as in other views.
const mapWindow = 30 * time.Second
