package tui

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
type sight struct {
	topic   topic
	service string // empty: all
	trace   string // the id of one, or newest; empty: the list
	failed  bool   // of the list: those alone in which something failed
	slower  time.Duration
	object  resource.Key // one object; zero: the list
	expr    string       // a PromQL expression; empty: the charts of the service
	last    time.Duration
}

// topic is what kind of data a query is about; 0: none.
type topic int

const (
	topicTraces topic = iota + 1
	topicMetrics
	topicAlerts
	topicMap
	topicObjects
)

// newest stands for the id of the newest trace.
const newest = "last"

// seen is what came of asking for a sight; of names the sight by its number.
type seen struct {
	of     int
	traces *controlpb.ListTracesResponse
	trace  *trace.Trace
	charts []chart
	// objects are the list, manifest the lines of one.
	objects  []object
	manifest []string
	// fail is why there is nothing.
	fail string
}

const (
	// second is how often the tab in view is asked for anew, and twice that the metrics and the objects: eight
	// questions each, and curves of which a second more is hardly seen.
	second = time.Second
	// glance is how often alerts are asked for that every view tells of, and what the active faults do.
	glance = 3 * time.Second
	// patience is how long an answer may take.
	patience = 5 * time.Second
	// listed is how many traces the list holds.
	listed = 200
)

// vision is a sight that is wanted; changed is closed when another one replaces it.
type vision struct {
	sight
	number  int
	changed chan struct{}
}

// look says which sight is wanted. What came of earlier ones is dropped.
func (f *feed) look(number int, s sight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if number <= f.vision.number {
		return // overtaken
	}
	close(f.vision.changed)
	f.vision = vision{sight: s, number: number, changed: make(chan struct{})}
	f.pending.seen = nil
}

func (f *feed) looked() vision {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.vision
}

// looks asks for the sight that is wanted, once a second as long as it can change.
func (f *feed) looks(ctx context.Context, shop feedShop) error {
	for ctx.Err() == nil {
		v := f.looked()
		v.wait(ctx, v.topic != 0 && f.ask(ctx, shop, v))
	}
	return ctx.Err()
}

// wait returns when another sight is wanted, or when it is time to ask again.
func (v vision) wait(ctx context.Context, again bool) {
	var tick <-chan time.Time
	if again {
		every := second
		if v.topic == topicMetrics || v.topic == topicObjects {
			every = 2 * second
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
func (f *feed) Poll(ctx context.Context, shop feedShop) { f.ask(ctx, shop, f.looked()) }

// ask asks once, and tells whether to ask again.
func (f *feed) ask(ctx context.Context, shop feedShop, v vision) bool {
	ctx, stop := within(ctx, v.changed)
	defer stop()
	ctx, late := context.WithTimeout(ctx, patience)
	defer late()
	var s seen
	var err error
	again := true
	switch v.topic {
	case topicTraces:
		if v.trace == "" {
			s.traces, err = shop.ListTraces(ctx, &controlpb.ListTracesRequest{Filter: v.filter(), Limit: listed})
		} else {
			s.trace, again, err = f.fetch(ctx, shop, v)
		}
	case topicMetrics:
		s.charts, err = f.measure(ctx, shop, v.sight)
	case topicAlerts:
		err = f.alerts(ctx, shop)
	case topicMap:
		err = f.topology(ctx, shop)
	case topicObjects:
		if v.object == (resource.Key{}) {
			s.objects, err = listObjects(ctx, shop)
		} else {
			s.manifest, err = fetchManifest(ctx, shop, v.object)
		}
	}
	if ctx.Err() != nil && err != nil && context.Cause(ctx) != context.DeadlineExceeded {
		return true // nobody waits for it any more
	}
	if err != nil {
		s.fail = failText(err)
	}
	f.show(v, s)
	return again
}

// show hands on what came of v, if it is still wanted.
func (f *feed) show(v vision, s seen) {
	s.of = v.number
	f.put(func(b *batch) {
		if f.vision.number == v.number {
			b.seen = &s
		}
	})
}

// filter is the sight's for the daemon.
func (s sight) filter() *controlpb.TraceFilter {
	f := &controlpb.TraceFilter{Service: s.service, Error: s.failed}
	if s.slower > 0 {
		f.MinDuration = durationpb.New(s.slower)
	}
	return f
}

// whole returns the id of the newest trace that matches and of which no more is expected soon: services
// send their spans at different times.
func (f *feed) whole(ctx context.Context, shop Traces, s sight) (string, error) {
	resp, err := shop.ListTraces(ctx, &controlpb.ListTracesRequest{Filter: s.filter(), Limit: listed})
	if err != nil {
		return "", err
	}
	for _, t := range resp.GetTraces() {
		if end := t.GetStart().AsTime().Add(t.GetDuration().AsDuration()); f.now().Sub(end) >= time.Second {
			return t.GetTraceId(), nil
		}
	}
	return newest, nil
}

// fetch returns one trace. It is asked for again while spans may still arrive.
func (f *feed) fetch(ctx context.Context, shop Traces, v vision) (t *trace.Trace, again bool, err error) {
	id := v.trace
	if id == newest {
		if id, err = f.whole(ctx, shop, v.sight); err != nil {
			return nil, true, err
		}
	}
	resp, err := shop.GetTrace(ctx, &controlpb.GetTraceRequest{Id: id, Filter: v.filter()})
	if err != nil {
		return nil, v.trace == newest, err
	}
	var data tracepb.TracesData
	if err := proto.Unmarshal(resp.GetOtlp(), &data); err != nil {
		return nil, false, fmt.Errorf("read trace: %w", err)
	}
	spans, _ := trace.Spans(&data)
	all := trace.Assemble(spans)
	if len(all) == 0 {
		return nil, v.trace == newest, status.Error(codes.NotFound, "the trace has no spans")
	}
	return all[0], v.trace == newest || f.now().Sub(all[0].End) < settled, nil
}

// settled is after how long nothing more is expected of a trace.
const settled = 10 * time.Second

// within ends a context also when changed is closed. stop returns when that is no more waited for.
func within(ctx context.Context, changed <-chan struct{}) (_ context.Context, stop func()) {
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
func (f *feed) glances(ctx context.Context, shop feedShop) error {
	for ctx.Err() == nil {
		f.glance(ctx, shop)
		if !pause(ctx, glance) {
			break
		}
	}
	return ctx.Err()
}

func (f *feed) glance(ctx context.Context, shop feedShop) {
	ctx, late := context.WithTimeout(ctx, patience)
	defer late()
	f.mu.Lock()
	faults, inView := len(f.latest.GetFaults()), f.vision.topic
	f.mu.Unlock()
	// What fails here is said where somebody looks at it.
	if inView != topicAlerts {
		_ = f.alerts(ctx, shop)
	}
	if faults > 0 && inView != topicMap {
		_ = f.topology(ctx, shop)
	}
}

func (f *feed) alerts(ctx context.Context, shop Metrics) error {
	resp, err := shop.ListAlerts(ctx, &controlpb.ListAlertsRequest{})
	if err != nil {
		return err
	}
	for _, r := range resp.GetRules() {
		r.LastEvaluation = nil // it is new every time, and nobody asks for it here
	}
	if news(f, &f.lastAlerts, resp) {
		f.put(func(b *batch) { b.alerts = resp })
	}
	return nil
}

// news keeps resp in last, and tells whether it says something new.
func news[M proto.Message](f *feed, last *M, resp M) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	same := proto.Equal(*last, resp)
	*last = resp
	return !same
}

func (f *feed) topology(ctx context.Context, shop Map) error {
	resp, err := shop.GetMap(ctx, &controlpb.GetMapRequest{Window: durationpb.New(window)})
	if err != nil {
		return err
	}
	resp.Time = nil // as above
	if news(f, &f.lastMap, resp) {
		f.put(func(b *batch) { b.topology = resp })
	}
	return nil
}

// window is what the map's figures are computed over.
const window = 15 * time.Second
