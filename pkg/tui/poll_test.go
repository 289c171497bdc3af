package tui

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
)

// feedingFrom is a feed that has found a shop with a status.
func feedingFrom(t *testing.T, st *controlpb.StatusResponse) (*feeding, *fakeShop) {
	f, shop := startFeed(t, nil), newFakeShop()
	f.shops <- shop
	shop.watch <- st
	f.news(time.Second)
	shop.asked()
	return f, shop
}

func TestOnlyTheTabInViewIsAskedForOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, shop := feedingFrom(t, shopStatus())
		defer f.end()
		f.news(30 * time.Second)
		if got := shop.asked(); got["alerts"] > 11 || len(got) > 1 {
			t.Errorf("without a tab in view it asks %v in 30 s", got)
		}
		f.look(1, sight{topic: topicTraces, service: "cart"})
		f.news(30 * time.Second)
		if got := shop.asked(); got["traces cart"] < 28 || got["traces cart"] > 32 || got["map"]+got["query"] > 0 {
			t.Errorf("with the traces in view it asks %v in 30 s", got)
		}
		f.look(2, sight{topic: topicAlerts})
		f.news(30 * time.Second)
		if got := shop.asked(); got["alerts"] < 28 || got["alerts"] > 32 || got["traces cart"] > 0 {
			t.Errorf("with the alerts in view it asks %v in 30 s", got)
		}
		f.look(3, sight{})
		f.look(2, sight{topic: topicMap}) // overtaken
		f.news(30 * time.Second)
		if got := shop.asked(); got["alerts"] > 11 || got["map"] > 0 {
			t.Errorf("with no such tab in view it asks %v in 30 s", got)
		}
	})
}

func TestWhatFaultsDoIsAskedForWhileThereAreAny(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, shop := feedingFrom(t, broken())
		defer f.end()
		shop.mu.Lock()
		shop.seen.graph = shopMap()
		shop.mu.Unlock()
		all := f.news(10 * time.Second)
		if got := shop.asked(); got["map"] < 3 || got["map"] > 4 {
			t.Errorf("it asks %v in 10 s", got)
		}
		maps := 0
		for _, b := range all {
			if b.topology != nil {
				maps++
			}
		}
		if maps != 1 {
			t.Errorf("a map that stays the same is handed on %d times", maps)
		}
	})
}

func TestATraceIsAskedForUntilItIsSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, shop := feedingFrom(t, shopStatus())
		defer f.end()
		shop.seen.otlp = otlpOf(t)
		f.now = func() time.Time { return noon().Add(time.Minute) }
		f.look(1, sight{topic: topicTraces, trace: "0707"})
		all := f.news(30 * time.Second)
		if got := shop.asked(); got["trace 0707"] != 1 {
			t.Errorf("an old trace is asked for: %v", got)
		}
		if last := all[0].seen; last == nil || last.trace == nil || len(last.trace.Spans) != 1 || last.of != 1 {
			t.Errorf("got %+v", last)
		}
		f.look(2, sight{topic: topicTraces, trace: newest})
		f.news(10 * time.Second)
		if got := shop.asked(); got["traces "] < 9 || got["trace "+traceList().Traces[0].TraceId] < 9 {
			t.Errorf("the newest trace is asked for: %v", got)
		}
	})
}

func TestWhatCannotBeShownSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		sight sight
		fail  error
		otlp  []byte
		want  string
	}{
		"an older daemon":   {sight: sight{topic: topicMap}, fail: status.Error(codes.Unimplemented, "unknown service"), want: "of another version"},
		"a slow answer":     {sight: sight{topic: topicAlerts}, fail: status.Error(codes.DeadlineExceeded, "context deadline exceeded"), want: "takes too long"},
		"a broken trace":    {sight: sight{topic: topicTraces, trace: "x"}, otlp: []byte("nonsense"), want: "read trace"},
		"an empty trace":    {sight: sight{topic: topicTraces, trace: "x"}, want: "no spans"},
		"a bad expression":  {sight: sight{topic: topicMetrics, expr: "up{", last: time.Minute}, want: "parse error"},
		"a failing service": {sight: sight{topic: topicMetrics, service: "ad", last: time.Minute}, fail: errors.New("the disk is full"), want: "the disk is full"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, shop := feedingFrom(t, shopStatus())
				defer f.end()
				shop.fail, shop.seen.otlp = c.fail, c.otlp
				f.look(1, c.sight)
				all := f.news(time.Second / 2)
				if len(all) == 0 || all[0].seen == nil || !strings.Contains(all[0].seen.fail, c.want) {
					t.Errorf("got %+v, want %q", all, c.want)
				}
			})
		})
	}
}

func TestTheChartsOfAServiceAreItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, shop := feedingFrom(t, shopStatus())
		defer f.end()
		f.look(1, sight{topic: topicMetrics, service: "payment", last: 5 * time.Minute})
		all := f.news(time.Second / 2)
		charts := all[0].seen.charts
		if len(charts) != 6 || len(charts[2].series) != 3 || len(charts[0].series[0].Points) != 60 {
			t.Fatalf("got %+v", charts)
		}
		if from := charts[0].from; from.Before(noon().Add(-time.Minute-time.Second)) || !from.Before(noon()) {
			t.Errorf("the charts begin at %s although the first point is a minute old", from)
		}
		for _, expr := range shop.seen.queried {
			if !strings.Contains(expr, `service="payment"`) {
				t.Errorf("%s is not of the service alone", expr)
			}
		}
		f.look(2, sight{topic: topicMetrics, expr: "up", last: time.Minute})
		all = f.news(time.Second / 2)
		one := all[len(all)-1].seen.charts
		if len(one) != 1 || one[0].series[0].Name != `up{job="cart"}` {
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
		if len(got) != mostSeries || got[0].Name != `{pod="t"}` || got[mostSeries-1].Name != `{pod="i"} (and 8 more)` {
			t.Errorf("got %d series from %q to %q", len(got), got[0].Name, got[len(got)-1].Name)
		}
	})
}

func TestObjectsAreAskedForEveryTwoSecondsInView(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, shop := feedingFrom(t, shopStatus())
		defer f.end()
		f.look(1, sight{topic: topicObjects})
		lists := 0
		for _, b := range f.news(20 * time.Second) {
			if b.seen != nil && len(b.seen.objects) > 0 {
				lists++
			}
		}
		if lists < 9 || lists > 11 {
			t.Errorf("%d lists in 20 s", lists)
		}
		f.look(2, sight{topic: topicObjects, object: resource.Key{Kind: "Secret", Name: "payment"}})
		all := f.news(3 * time.Second)
		if !slices.ContainsFunc(all, func(b batch) bool { return b.seen != nil && slices.Contains(b.seen.manifest, "kind: Secret") }) {
			t.Errorf("no manifest in %+v", all)
		}
		_ = shop
	})
}

// otlpOf is a trace of one span as the daemon sends it.
func otlpOf(t *testing.T) []byte {
	t.Helper()
	data := &tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{{
		TraceId: make16(7), SpanId: make16(8)[:8], Name: "GET /", StartTimeUnixNano: uint64(noon().UnixNano()), EndTimeUnixNano: uint64(noon().UnixNano()) + 1e6,
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
