package feed

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/tui/tuitest"
)

// feedingFrom is a feed that is connected to a shop with a status.
func feedingFrom(t *testing.T, st *controlpb.StatusResponse) (*feeding, *tuitest.Shop) {
	f, shop := startFeed(t, nil), tuitest.NewShop()
	f.shops <- shop
	shop.Snapshots <- st
	f.news(time.Second)
	shop.Asked()
	return f, shop
}

func TestOnlyTheVisibleTabIsPolledOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, shop := feedingFrom(t, tuitest.Status())
		defer f.end()
		f.news(30 * time.Second)
		if got := shop.Asked(); got["alerts"] > 11 || len(got) > 1 {
			t.Errorf("without a polled tab it sends %v in 30 s", got)
		}
		f.SetQuery(1, Query{Topic: TopicTraces, Service: "cart"})
		f.news(30 * time.Second)
		if got := shop.Asked(); got["traces cart"] < 28 || got["traces cart"] > 32 || got["map"]+got["query"] > 0 {
			t.Errorf("with the traces in view it sends %v in 30 s", got)
		}
		f.SetQuery(2, Query{Topic: TopicAlerts})
		f.news(30 * time.Second)
		if got := shop.Asked(); got["alerts"] < 28 || got["alerts"] > 32 || got["traces cart"] > 0 {
			t.Errorf("with the alerts in view it sends %v in 30 s", got)
		}
		f.SetQuery(3, Query{})
		f.SetQuery(2, Query{Topic: TopicMap}) // a later query is in force already
		f.news(30 * time.Second)
		if got := shop.Asked(); got["alerts"] > 11 || got["map"] > 0 {
			t.Errorf("without a polled tab it sends %v in 30 s", got)
		}
	})
}

func TestTheEffectsOfFaultsArePolledWhileThereAreFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, shop := feedingFrom(t, tuitest.BrokenStatus())
		defer f.end()
		shop.Mu.Lock()
		shop.Data.Graph = tuitest.CallMap()
		shop.Mu.Unlock()
		all := f.news(10 * time.Second)
		if got := shop.Asked(); got["map"] < 3 || got["map"] > 4 {
			t.Errorf("it sends %v in 10 s", got)
		}
		maps := 0
		for _, b := range all {
			if b.Topology != nil {
				maps++
			}
		}
		if maps != 1 {
			t.Errorf("a map that stays the same is handed on %d times", maps)
		}
	})
}

func TestATraceIsPolledUntilItIsComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, shop := feedingFrom(t, tuitest.Status())
		defer f.end()
		shop.Data.Otlp = otlpOf(t)
		f.now = func() time.Time { return tuitest.Noon().Add(time.Minute) }
		f.SetQuery(1, Query{Topic: TopicTraces, Trace: "0707"})
		all := f.news(30 * time.Second)
		if got := shop.Asked(); got["trace 0707"] != 1 {
			t.Errorf("an old trace is polled: %v", got)
		}
		if last := all[0].Result; last == nil || last.Trace == nil || len(last.Trace.Spans) != 1 || last.Seq != 1 {
			t.Errorf("got %+v", last)
		}
		f.SetQuery(2, Query{Topic: TopicTraces, Trace: Newest})
		f.news(10 * time.Second)
		if got := shop.Asked(); got["traces "] < 9 || got["trace "+tuitest.TraceList().Traces[0].TraceId] < 9 {
			t.Errorf("the newest trace is polled: %v", got)
		}
	})
}

func TestASidecarIsPolledWithTheMapWhileItIsInView(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, shop := feedingFrom(t, tuitest.Status())
		defer f.end()
		f.news(10 * time.Second)
		if got := shop.Asked(); got["sidecar checkout"] > 0 {
			t.Errorf("it sends %v while no pane needs it", got)
		}
		f.SetQuery(1, Query{Topic: TopicMesh, Service: "checkout"})
		all := f.news(20 * time.Second)
		if got := shop.Asked(); got["sidecar checkout"] < 9 || got["sidecar checkout"] > 11 || got["map"] != got["sidecar checkout"] {
			t.Errorf("it sends %v in 20 s", got)
		}
		if last := all[0].Result; last == nil || last.Sidecar.GetSidecar().GetService() != "checkout" {
			t.Errorf("got %+v", last)
		}
	})
}

func TestAFailedQueryShowsWhy(t *testing.T) {
	for name, c := range map[string]struct {
		sight Query
		fail  error
		otlp  []byte
		want  string
	}{
		"an older daemon":   {sight: Query{Topic: TopicMap}, fail: status.Error(codes.Unimplemented, "unknown service"), want: "has another version"},
		"a slow answer":     {sight: Query{Topic: TopicAlerts}, fail: status.Error(codes.DeadlineExceeded, "context deadline exceeded"), want: "takes too long"},
		"a broken trace":    {sight: Query{Topic: TopicTraces, Trace: "x"}, otlp: []byte("nonsense"), want: "read trace"},
		"an empty trace":    {sight: Query{Topic: TopicTraces, Trace: "x"}, want: "no spans"},
		"a bad expression":  {sight: Query{Topic: TopicMetrics, Expr: "up{", Range: time.Minute}, want: "parse error"},
		"a failing service": {sight: Query{Topic: TopicMetrics, Service: "ad", Range: time.Minute}, fail: errors.New("the disk is full"), want: "the disk is full"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, shop := feedingFrom(t, tuitest.Status())
				defer f.end()
				shop.Failure, shop.Data.Otlp = c.fail, c.otlp
				f.SetQuery(1, c.sight)
				all := f.news(time.Second / 2)
				if len(all) == 0 || all[0].Result == nil || !strings.Contains(all[0].Result.Failure, c.want) {
					t.Errorf("got %+v, want %q", all, c.want)
				}
			})
		})
	}
}

func TestTheChartsOfAServiceAreItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, shop := feedingFrom(t, tuitest.Status())
		defer f.end()
		f.SetQuery(1, Query{Topic: TopicMetrics, Service: "payment", Range: 5 * time.Minute})
		all := f.news(time.Second / 2)
		charts := all[0].Result.Charts
		if len(charts) != 6 || len(charts[2].Series) != 3 || len(charts[0].Series[0].Points) != 60 {
			t.Fatalf("got %+v", charts)
		}
		if from := charts[0].From; from.Before(tuitest.Noon().Add(-time.Minute-time.Second)) || !from.Before(tuitest.Noon()) {
			t.Errorf("the charts begin at %s although the first point is a minute old", from)
		}
		for _, expr := range shop.Data.Queried {
			if !strings.Contains(expr, `service="payment"`) {
				t.Errorf("%s is not of the service alone", expr)
			}
		}
		f.SetQuery(2, Query{Topic: TopicMetrics, Expr: "up", Range: time.Minute})
		all = f.news(time.Second / 2)
		one := all[len(all)-1].Result.Charts
		if len(one) != 1 || one[0].Series[0].Name != `up{job="cart"}` {
			t.Errorf("got %+v", one)
		}
	})
}

func TestALegendNamesWhatDiffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startFeed(t, nil)
		defer f.end()
		series := func(v float64, labels map[string]string) *controlpb.MetricSeries {
			return &controlpb.MetricSeries{Labels: labels, Samples: []*controlpb.MetricSample{{TimeMs: 1, Value: v}}}
		}
		resp := &controlpb.QueryMetricsResponse{}
		for i := range 20 {
			resp.Series = append(resp.Series, series(float64(i), map[string]string{"__name__": "up", "namespace": "production", "pod": string(rune('a' + i))}))
		}
		got := f.allSeries(resp)
		if len(got) != maxSeries || got[0].Name != `{pod="t"}` || got[maxSeries-1].Name != `{pod="i"} (and 8 more)` {
			t.Errorf("got %d series from %q to %q", len(got), got[0].Name, got[len(got)-1].Name)
		}
	})
}

func TestVisibleObjectsArePolledEveryTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, shop := feedingFrom(t, tuitest.Status())
		defer f.end()
		f.SetQuery(1, Query{Topic: TopicObjects})
		lists := 0
		for _, b := range f.news(20 * time.Second) {
			if b.Result != nil && len(b.Result.Objects) > 0 {
				lists++
			}
		}
		if lists < 9 || lists > 11 {
			t.Errorf("%d lists in 20 s", lists)
		}
		f.SetQuery(2, Query{Topic: TopicObjects, Object: resource.Key{Kind: "Secret", Name: "payment"}})
		all := f.news(3 * time.Second)
		if !slices.ContainsFunc(all, func(b Batch) bool { return b.Result != nil && slices.Contains(b.Result.Manifest, "kind: Secret") }) {
			t.Errorf("no manifest in %+v", all)
		}
		_ = shop
	})
}

// otlpOf is a trace of one span as the daemon sends it.
func otlpOf(t *testing.T) []byte {
	t.Helper()
	data := &tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{{
		TraceId: make16(7), SpanId: make16(8)[:8], Name: "GET /", StartTimeUnixNano: uint64(tuitest.Noon().UnixNano()), EndTimeUnixNano: uint64(tuitest.Noon().UnixNano()) + 1e6,
	}}}}}}}
	b, err := proto.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func make16(b byte) []byte {
	id := make([]byte, 16)
	for i := range id {
		id[i] = b
	}
	return id
}
