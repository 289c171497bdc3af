package daemon

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/shopctl/shopctl/pkg/observe/alert"
	"github.com/shopctl/shopctl/pkg/observe/query"
	"github.com/shopctl/shopctl/pkg/observe/tsdb"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/resource/monitoring"
)

// drill evaluates the rules that come with the shop over counters that the test moves.
type drill struct {
	t      *testing.T
	s      *shop
	at     time.Time
	totals map[string]float64
}

func newDrill(t *testing.T) *drill {
	t.Helper()
	d := &drill{t: t, at: time.Unix(1_000_000, 0), totals: map[string]float64{}}
	d.s = &shop{now: func() time.Time { return d.at }}
	d.s.meters.db = tsdb.New(tsdb.Config{})
	d.s.meters.query = query.New(d.s.meters.db)
	t.Cleanup(func() { _ = d.s.meters.query.Close() })
	d.s.meters.rules = alert.New(alert.Config{DB: d.s.meters.db, Now: d.s.now, Query: d.s.vector})
	manifests, err := decode.Decode("rules.yaml", shopRules)
	if err != nil {
		t.Fatal(err)
	}
	d.s.meters.rules.Set([]alert.Object{{Name: "production/shop", Spec: manifests[0].Object.(*monitoring.PrometheusRule).Spec}}, d.at)
	return d
}

// state is how the shop does in one interval.
type state struct {
	// failing are the shares of orders and of pages that fail, 0 to 1; slow that of orders over a second.
	failingOrders, failingPages, slow float64
	down, gone, crashing              bool
}

// run lets the shop be in a state for a time, with ten orders and a hundred pages every five seconds.
func (d *drill) run(length time.Duration, st state) {
	d.t.Helper()
	for end := d.at.Add(length); d.at.Before(end); {
		d.at = d.at.Add(5 * time.Second)
		a := d.s.meters.db.Appender()
		set := func(name string, v float64, pairs ...string) {
			ls := labels.FromStrings(append([]string{model.MetricNameLabel, name, "namespace", "production"}, pairs...)...)
			if _, err := a.Append(0, ls, d.at.UnixMilli(), v); err != nil {
				d.t.Fatal(err)
			}
		}
		add := func(name string, v float64, pairs ...string) {
			key := name + fmt.Sprint(pairs)
			d.totals[key] += v
			set(name, d.totals[key], pairs...)
		}
		order := []string{"service", "checkout", "grpc_service", "hipstershop.CheckoutService", "grpc_method", "PlaceOrder"}
		add("grpc_server_handled_total", 10*(1-st.failingOrders), append(order, "grpc_code", "OK")...)
		add("grpc_server_handled_total", 10*st.failingOrders, append(order, "grpc_code", "Internal")...)
		add("grpc_server_started_total", 10, order...)
		add("grpc_server_handling_seconds_bucket", 10*(1-st.slow), append(order, "le", "1.0")...)
		add("grpc_server_handling_seconds_bucket", 10, append(order, "le", "10.0")...)
		add("grpc_server_handling_seconds_bucket", 10, append(order, "le", "+Inf")...)
		add("http_requests_total", 100*(1-st.failingPages), "service", "frontend", "route", "/", "code", "200")
		add("http_requests_total", 100*st.failingPages, "service", "frontend", "route", "/", "code", "500")
		bit := map[bool]float64{true: 1}
		set("up", 1-bit[st.down], "service", "cart", "pod", "cart-1")
		set("kube_deployment_status_replicas_available", 1-bit[st.gone], "service", "cart", "deployment", "cartservice")
		set("kube_deployment_spec_replicas", 1, "service", "cart", "deployment", "cartservice")
		if st.crashing {
			set("kube_pod_container_status_waiting_reason", 1, "service", "cart", "pod", "cart-1", "reason", "CrashLoopBackOff")
		}
		a.Close()
		d.s.meters.rules.Evaluate(d.t.Context(), d.at)
	}
	for _, g := range d.s.meters.rules.Groups() {
		for _, r := range g {
			if r.Err != nil {
				d.t.Fatalf("%s%s: %v", r.Record, r.Alert, r.Err)
			}
		}
	}
}

// firing are the alerts that fire, with their severity.
func (d *drill) firing() string {
	var all []string
	for _, a := range d.s.meters.rules.Alerts() {
		if a.State == alert.Firing {
			all = append(all, a.Rule+"/"+a.Labels.Get("severity"))
		}
	}
	return strings.Join(all, " ")
}

func TestTheShopsRulesAreSilentOnAHealthyShop(t *testing.T) {
	d := newDrill(t)
	d.run(30*time.Minute, state{failingPages: 0.002, failingOrders: 0.005, slow: 0.01})
	if h := d.s.meters.rules.History(); len(h) > 0 {
		t.Errorf("%s became %s: %s", h[0].Alert, h[0].State, h[0].Summary)
	}
}

func TestAFaultMakesTheRightAlertsFireAndItsEndResolvesThem(t *testing.T) {
	for name, c := range map[string]struct {
		st   state
		want string
	}{
		"orders fail":           {state{failingOrders: 0.5}, "CheckoutErrorBudgetBurn/page CheckoutErrorBudgetBurn/ticket"},
		"few orders fail":       {state{failingOrders: 0.1}, "CheckoutErrorBudgetBurn/ticket"},
		"pages fail":            {state{failingPages: 0.4}, "StorefrontErrorBudgetBurn/page StorefrontErrorBudgetBurn/ticket"},
		"orders are slow":       {state{slow: 0.5}, "CheckoutSlow/ticket"},
		"an instance hangs":     {state{down: true}, "InstanceDown/page"},
		"a service is gone":     {state{gone: true}, "ServiceUnavailable/page"},
		"a service crashes":     {state{gone: true, crashing: true}, "CrashLooping/page ServiceUnavailable/page"},
		"nothing is the matter": {state{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDrill(t)
			d.run(12*time.Minute, state{})
			d.run(10*time.Minute, c.st)
			if got := d.firing(); got != c.want {
				t.Errorf("firing: %q, want %q", got, c.want)
			}
			d.run(3*time.Minute, state{})
			if got := d.firing(); strings.Contains(got, "page") {
				t.Errorf("three minutes after the end: %q", got)
			}
			d.run(12*time.Minute, state{})
			if got := d.firing(); got != "" {
				t.Errorf("long after the end: %q", got)
			}
		})
	}
}

func TestAPageComesWithinAMinuteOfAnOutage(t *testing.T) {
	d := newDrill(t)
	d.run(15*time.Minute, state{})
	d.run(time.Minute, state{failingOrders: 1})
	if got := d.firing(); !strings.Contains(got, "CheckoutErrorBudgetBurn/page") {
		t.Errorf("firing: %q", got)
	}
}
