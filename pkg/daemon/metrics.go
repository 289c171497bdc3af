package daemon

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/shopctl/shopctl/pkg/daemon/names"
	"github.com/shopctl/shopctl/pkg/observe/alert"
	"github.com/shopctl/shopctl/pkg/observe/query"
	"github.com/shopctl/shopctl/pkg/observe/scrape"
	"github.com/shopctl/shopctl/pkg/observe/tsdb"
	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// ownJob is the job of the daemon's own metrics.
const ownJob = "shopctl"

// meters are the stored metrics and their sources.
type meters struct {
	// db holds the series of all targets.
	db *tsdb.DB
	// registry holds the metrics of the daemon itself, scraped with the others and served with them. A part
	// that counts something registers a prometheus.Collector here: it is called at every scrape, from one
	// goroutine at a time, for its current totals. prometheus.MustNewConstMetric turns a counter that is
	// kept elsewhere into what Collect sends. The names and label values that it may come up with must be
	// bounded.
	registry *prometheus.Registry
	// query evaluates PromQL, and rules evaluates the rules after each of passes.
	query  *query.Engine
	rules  *alert.Manager
	passes chan time.Time
	// url of Prometheus' HTTP API; empty if it is not served.
	url string
}

// openMetrics makes the store of metrics and the scraper that fills it.
func (s *shop) openMetrics() {
	s.meters.db = tsdb.New(tsdb.Config{})
	s.meters.registry = prometheus.NewRegistry()
	s.meters.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&workloadCollector{shop: s}, &storeCollector{db: s.meters.db},
	)
	s.meters.query = query.New(s.meters.db)
	s.openRules()
	s.stats = scrape.New(scrape.Config{Targets: s.targets, DB: s.meters.db, Now: s.now, Latencies: s.latencies, After: s.scraped})
}

// latencyWindow is the time that quantiles of latencies are of, in all views.
const latencyWindow = 30 * time.Second

// latencies are the quantiles of the services that send spans.
func (s *shop) latencies() map[string]scrape.Latency {
	now := s.now()
	byName := map[string]scrape.Latency{}
	for _, n := range s.calls.Between(now.Add(-latencyWindow), now).Nodes {
		if n.Requests > 0 {
			byName[n.Service] = scrape.Latency{P50: n.P50, P95: n.P95, P99: n.P99}
		}
	}
	all := map[string]scrape.Latency{}
	snap, _ := s.state.Snapshot()
	for _, w := range snap.Workloads {
		if l, ok := byName[s.names.Display(w.Key)]; ok {
			all[w.Key.String()] = l
		}
	}
	return all
}

// targets are the instances whose metrics can be read, with the labels that Prometheus' operator gives
// them on Kubernetes, and the daemon itself. An instance that is paused does not respond: it is down.
func (s *shop) targets() []scrape.Target {
	targets := []scrape.Target{{
		Run: ownJob, Gatherer: s.meters.registry, Labels: labels.FromStrings("job", ownJob, "instance", ownJob),
	}}
	snap, _ := s.state.Snapshot()
	for _, w := range snap.Workloads {
		for _, in := range w.Instances {
			targets = append(targets, s.instanceTargets(w, in)...)
		}
	}
	return targets
}

// instanceTargets are the containers of an instance that serve metrics.
func (s *shop) instanceTargets(w orchestrator.Workload, in orchestrator.Instance) []scrape.Target {
	var targets []scrape.Target
	for _, c := range in.Containers {
		at := s.metricsAddr(w, c)
		if at.addr == "" {
			continue
		}
		container := "" // a pod's only container needs no name
		if len(in.Containers) > 1 {
			container = c.Name
		}
		targets = append(targets, scrape.Target{
			Run: in.Name + "/" + c.Name + "#" + c.Started.String(), Addr: at.addr, Path: at.path, Scheme: at.scheme, ServiceFrom: names.ServiceLabel(w),
			Labels: labels.FromStrings(
				"job", w.Name, "instance", at.addr, "namespace", w.Namespace, "container", container,
				"service", s.names.Display(w.Key), "pod", in.Name, "version", in.Version,
			).WithoutEmpty(),
		})
	}
	return targets
}
