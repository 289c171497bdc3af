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

// sight is what the tab in view shows of traces, metrics, alerts or the map. The feed asks for it while
// it is in view, and for nothing else.
type Query struct {
	Topic       Topic
	Service     string // empty: all
	Trace       string // the id of one, or newest; empty: the list
	ErrorsOnly  bool   // of the list: those alone in which something failed
	MinDuration time.Duration
	Object      resource.Key // one object; zero: the list
	Expr        string       // a PromQL expression; empty: the charts of the service
	Range       time.Duration
}

// topic is what kind of data a query is about; 0: none.
type Topic int

const (
	TopicTraces Topic = iota + 1
	TopicMetrics
	TopicAlerts
	TopicMap
	TopicObjects
)

// newest stands for the id of the newest trace.
const Newest = "last"

// seen is what came of asking for a sight; of names the sight by its number.
type Result struct {
	Seq    int
	Traces *controlpb.ListTracesResponse
	Trace  *trace.Trace
	Charts []Chart
	// objects are the list, manifest the lines of one.
	Objects  []Object
	Manifest []string
	// fail is why there is nothing.
	Failure string
}

const (
	// second is how often the tab in view is asked for anew, and twice that the metrics and the objects: eight
	// questions each, and curves of which a second more is hardly seen.
	pollInterval = time.Second
	// glance is how often alerts are asked for that every view tells of, and what the active faults do.
	backgroundInterval = 3 * time.Second
	// patience is how long an answer may take.
	pollTimeout = 5 * time.Second
	// listed is how many traces the list holds.
	maxTraces = 200
)

// vision is a sight that is wanted; changed is closed when another one replaces it.
type pollRequest struct {
	Query
	seq     int
	changed chan struct{}
}

// look says which sight is wanted. What came of earlier ones is dropped.
func (f *Feed) SetQuery(number int, s Query) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if number <= f.request.seq {
		return // overtaken
	}
	close(f.request.changed)
	f.request = pollRequest{Query: s, seq: number, changed: make(chan struct{})}
	f.pending.Result = nil
}

func (f *Feed) currentRequest() pollRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.request
}

// looks asks for the sight that is wanted, once a second as long as it can change.
func (f *Feed) pollLoop(ctx context.Context, shop Shop) error {
	for ctx.Err() == nil {
		v := f.currentRequest()
		v.waitForNext(ctx, v.Topic != 0 && f.poll(ctx, shop, v))
	}
	return ctx.Err()
}

// wait returns when another sight is wanted, or when it is time to ask again.
func (v pollRequest) waitForNext(ctx context.Context, again bool) {
	var tick <-chan time.Time
	if again {
		every := pollInterval
		if v.Topic == TopicMetrics || v.Topic == TopicObjects {
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

// Poll queries the shop once for what is wanted.
func (f *Feed) Poll(ctx context.Context, shop Shop) { f.poll(ctx, shop, f.currentRequest()) }

// ask asks once, and tells whether to ask again.
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
	}
	if ctx.Err() != nil && err != nil && context.Cause(ctx) != context.DeadlineExceeded {
		return true // nobody waits for it any more
	}
	if err != nil {
		s.Failure = failureText(err)
	}
	f.deliver(v, s)
	return again
}

// show hands on what came of v, if it is still wanted.
func (f *Feed) deliver(v pollRequest, s Result) {
	s.Seq = v.seq
	f.update(func(b *Batch) {
		if f.request.seq == v.seq {
			b.Result = &s
		}
	})
}

// filter is the sight's for the daemon.
func (s Query) traceFilter() *controlpb.TraceFilter {
	f := &controlpb.TraceFilter{Service: s.Service, Error: s.ErrorsOnly}
	if s.MinDuration > 0 {
		f.MinDuration = durationpb.New(s.MinDuration)
	}
	return f
}

// whole returns the id of the newest trace that matches and of which no more is expected soon: services
// send their spans at different times.
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

// fetch returns one trace. It is asked for again while spans may still arrive.
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

// settled is after how long nothing more is expected of a trace.
const settleTime = 10 * time.Second

// within ends a context also when changed is closed. stop returns when that is no more waited for.
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

// glances asks for what every view tells of: the alerts, and what the active faults do.
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
	// What fails here is said where somebody looks at it.
	if inView != TopicAlerts {
		_ = f.pollAlerts(ctx, shop)
	}
	if faults > 0 && inView != TopicMap {
		_ = f.pollMap(ctx, shop)
	}
}

func (f *Feed) pollAlerts(ctx context.Context, shop Metrics) error {
	resp, err := shop.ListAlerts(ctx, &controlpb.ListAlertsRequest{})
	if err != nil {
		return err
	}
	for _, r := range resp.GetRules() {
		r.LastEvaluation = nil // it is new every time, and nobody asks for it here
	}
	if isNew(f, &f.lastAlerts, resp) {
		f.update(func(b *Batch) { b.Alerts = resp })
	}
	return nil
}

// news keeps resp in last, and tells whether it says something new.
func isNew[M proto.Message](f *Feed, last *M, resp M) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	same := proto.Equal(*last, resp)
	*last = resp
	return !same
}

func (f *Feed) pollMap(ctx context.Context, shop Map) error {
	resp, err := shop.GetMap(ctx, &controlpb.GetMapRequest{Window: durationpb.New(mapWindow)})
	if err != nil {
		return err
	}
	resp.Time = nil // as above
	if isNew(f, &f.lastMap, resp) {
		f.update(func(b *Batch) { b.Topology = resp })
	}
	return nil
}

// window is what the map's figures are computed over.
const mapWindow = 15 * time.Second
