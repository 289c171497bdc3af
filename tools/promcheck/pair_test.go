package promcheck

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	promtsdb "github.com/prometheus/prometheus/tsdb"

	"github.com/shopctl/shopctl/pkg/observe/tsdb"
)

// pair is the shop's storage and Prometheus', filled alike.
type pair struct {
	t      *testing.T
	ours   *tsdb.DB
	theirs *promtsdb.DB
	engine *promql.Engine
}

func begin() time.Time { return time.Unix(1_700_000_000, 0) }

func newPair(t *testing.T) *pair {
	t.Helper()
	options := promtsdb.DefaultOptions()
	options.RetentionDuration = 0
	theirs, err := promtsdb.Open(t.TempDir(), nil, nil, options, nil)
	if err != nil {
		t.Fatal(err)
	}
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 10_000_000, Timeout: time.Minute, Parser: parser.NewParser(parser.Options{}),
		EnableAtModifier: true, EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return 15_000 },
	})
	t.Cleanup(func() {
		engine.Close()
		theirs.Close()
	})
	return &pair{t: t, ours: tsdb.New(tsdb.Config{}), theirs: theirs, engine: engine}
}

type sample struct {
	labels labels.Labels
	value  float64
}

// add appends samples of one time to both.
func (p *pair) add(at time.Time, samples []sample) {
	p.t.Helper()
	ours, theirs := p.ours.Appender(), p.theirs.Appender(context.Background())
	for _, s := range samples {
		_, err := ours.Append(0, s.labels, at.UnixMilli(), s.value)
		_, theirErr := theirs.Append(0, s.labels, at.UnixMilli(), s.value)
		if (err == nil) != (theirErr == nil) {
			p.t.Fatalf("append %s at %s: %v, Prometheus: %v", s.labels, at, err, theirErr)
		}
	}
	ours.Close()
	if err := theirs.Commit(); err != nil {
		p.t.Fatal(err)
	}
}

// ask evaluates a range on one of the storages.
func (p *pair) ask(q storage.Queryable, expr string, from, to time.Time, step time.Duration) string {
	p.t.Helper()
	query, err := p.engine.NewRangeQuery(p.t.Context(), q, nil, expr, from, to, step)
	if err != nil {
		p.t.Fatalf("%s: %v", expr, err)
	}
	defer query.Close()
	res := query.Exec(p.t.Context())
	if res.Err != nil {
		return "error: " + res.Err.Error()
	}
	return res.String()
}

// compare asks both the same, over the whole time at several steps.
func (p *pair) compare(expr string, length time.Duration) {
	p.t.Helper()
	for _, step := range []time.Duration{7 * time.Second, time.Minute} {
		ours := p.ask(p.ours, expr, begin(), begin().Add(length), step)
		theirs := p.ask(p.theirs, expr, begin(), begin().Add(length), step)
		if d := cmp.Diff(theirs, ours); d != "" {
			p.t.Errorf("%s, step %s (-Prometheus +shop):\n%.2000s", expr, step, d)
			return
		}
		if step == time.Minute && ours == "" && expr != "absent(up)" {
			p.t.Errorf("%s finds nothing: it proves nothing", expr)
		}
	}
}

// traffic is an hour of instances that count requests, are restarted, fall silent and come back.
func traffic(p *pair, length time.Duration) { trafficSteps(p, length, func(time.Time) {}) }

// trafficSteps calls after when the samples of a step are there.
func trafficSteps(p *pair, length time.Duration, after func(time.Time)) {
	random := rand.New(rand.NewPCG(7, 11))
	totals := map[string]float64{}
	for at := begin(); at.Before(begin().Add(length)); at = at.Add(5 * time.Second) {
		var samples []sample
		elapsed := at.Sub(begin())
		add := func(v float64, pairs ...string) {
			samples = append(samples, sample{labels.FromStrings(pairs...), v})
		}
		for i := range 4 {
			service, pod := fmt.Sprintf("service%d", i%2), fmt.Sprintf("pod-%d", i)
			down := i == 1 && elapsed > 20*time.Minute && elapsed < 26*time.Minute
			gone := i == 2 && elapsed > 40*time.Minute
			if gone {
				if elapsed < 40*time.Minute+6*time.Second {
					for _, code := range []string{"OK", "Internal"} {
						add(math.Float64frombits(0x7ff0000000000002), "__name__", "requests_total", "service", service, "pod", pod, "code", code)
					}
				}
				continue
			}
			up := 1.0
			if down {
				up = 0
			}
			add(up, "__name__", "up", "service", service, "pod", pod)
			if down {
				continue
			}
			restarted := i == 0 && elapsed == 30*time.Minute
			for _, code := range []string{"OK", "Internal"} {
				n := float64(random.IntN(20))
				if code == "Internal" && (elapsed < 10*time.Minute || elapsed > 15*time.Minute) {
					n = float64(random.IntN(2))
				}
				key := pod + code
				if restarted {
					totals[key] = 0
				}
				totals[key] += n
				add(totals[key], "__name__", "requests_total", "service", service, "pod", pod, "code", code)
			}
			for _, le := range []string{"0.1", "1.0", "+Inf"} {
				totals[pod+le] += float64(random.IntN(10)) + float64(len(le))
				add(totals[pod+le], "__name__", "seconds_bucket", "service", service, "pod", pod, "le", le)
			}
			if random.IntN(3) > 0 {
				add(random.NormFloat64(), "__name__", "gauge", "service", service, "pod", pod)
			}
		}
		p.add(at, samples)
		after(at)
	}
}

func TestTheSameSamplesGiveTheSameAnswers(t *testing.T) {
	p := newPair(t)
	const length = time.Hour
	traffic(p, length)
	for _, expr := range []string{
		`requests_total`, `up`, `up == 0`, `absent(up)`, `{__name__=~"req.*|up",pod!~"pod-[01]"}`, `{__name__=~".+",pod=~"|pod-1",le=""} or up{code=""}`,
		`rate(requests_total[1m])`, `irate(requests_total[30s])`, `increase(requests_total{code!="OK"}[5m])`, `delta(gauge[2m])`, `resets(requests_total[10m])`,
		`sum by (service) (rate(requests_total{code="Internal"}[2m])) / sum by (service) (rate(requests_total[2m]))`,
		`histogram_quantile(0.95, sum by (service, le) (rate(seconds_bucket[1m])))`,
		`max_over_time(gauge[3m])`, `avg_over_time(gauge[90s:10s])`, `quantile_over_time(0.9, gauge[5m])`, `stddev_over_time(gauge[5m])`,
		`changes(up[10m])`, `deriv(gauge[5m])`, `predict_linear(gauge[5m], 60)`, `last_over_time(gauge[1m])`, `count_over_time(gauge[1m])`, `present_over_time(up[1m])`,
		`gauge offset 5m`, `gauge @ end()`, `topk(2, gauge)`, `count by (service) (up)`, `label_replace(up, "x", "$1", "pod", "pod-(.)")`,
		`timestamp(gauge)`, `gauge > bool 0`, `up * on (pod) group_left (service) gauge`, `sort_desc(sum by (pod) (requests_total))`,
	} {
		p.compare(expr, length)
	}
}

func TestSamplesThatPrometheusRefusesAreRefused(t *testing.T) {
	p := newPair(t)
	ls := labels.FromStrings("__name__", "m")
	p.add(begin(), []sample{{ls, 1}})
	p.add(begin(), []sample{{ls, 1}})
	p.add(begin().Add(time.Second), []sample{{ls, 2}})
	p.compare("m", time.Minute)
}
