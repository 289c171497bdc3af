package daemon

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/shopctl/shopctl/pkg/observe/tsdb"
	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// workloadCollector reports Deployments and instances under the names of kube-state-metrics, so that the
// same rules work here and on a cluster. The label service is ours: the name that people type.
type workloadCollector struct{ shop *shop }

// memoryPause is how old the memory in metrics may be. It is read more often while it is watched.
const memoryPause = time.Minute

func workloadDesc(name, help string, more ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append([]string{"namespace", "service"}, more...), nil)
}

// Describe implements prometheus.Collector. What is not described is checked when it is collected.
func (c *workloadCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *workloadCollector) Collect(out chan<- prometheus.Metric) {
	wanted := workloadDesc("kube_deployment_spec_replicas", "Number of desired pods for a deployment.", "deployment")
	available := workloadDesc("kube_deployment_status_replicas_available", "The number of available replicas per deployment.", "deployment")
	restarts := workloadDesc("kube_pod_container_status_restarts_total", "The number of container restarts per container.", "pod", "container")
	waiting := workloadDesc("kube_pod_container_status_waiting_reason", "Describes the reason the container is currently in waiting state.", "pod", "container", "reason")
	memory := workloadDesc("shopctl_memory_bytes", "Private memory of an instance and the processes that it started.", "pod")
	cpu := workloadDesc("container_cpu_usage_seconds_total", "Cumulative cpu time consumed.", "pod", "container")
	snap, _ := c.shop.state.Snapshot()
	for _, w := range snap.Workloads {
		service := c.shop.names.Display(w.Key)
		gauge := func(d *prometheus.Desc, v float64, more ...string) {
			out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{w.Namespace, service}, more...)...)
		}
		gauge(wanted, float64(w.Replicas), w.Name)
		gauge(available, float64(w.Available), w.Name)
		for _, in := range w.Instances {
			if bytes := c.shop.memory.Of(in, memoryPause).Total(); bytes > 0 {
				gauge(memory, float64(bytes), in.Name)
			}
			for _, k := range in.Containers {
				if used, ok := c.processorTime(in, k); ok {
					out <- prometheus.MustNewConstMetric(cpu, prometheus.CounterValue, used, w.Namespace, service, in.Name, k.Name)
				}
				if k.Kind == orchestrator.InitContainer {
					continue // kube-state-metrics has kube_pod_init_container_* for these
				}
				out <- prometheus.MustNewConstMetric(restarts, prometheus.CounterValue, float64(k.Restarts), w.Namespace, service, in.Name, k.Name)
				if k.State == "crashloop" || k.State == "backoff" {
					gauge(waiting, 1, in.Name, k.Name, "CrashLoopBackOff")
				}
			}
		}
	}
}

// processorTime is the processor time in seconds of a container that does not report it itself, as cAdvisor measures it on a
// cluster; false if it is not known. Built-in services report theirs with their own metrics, sidecars do not.
func (c *workloadCollector) processorTime(in orchestrator.Instance, k orchestrator.Container) (float64, bool) {
	reports := k.Admin != "" && k.Listeners == nil
	if reports || k.ID == "" || c.shop.runtime.Orchestrator == nil {
		return 0, false
	}
	return c.shop.runtime.ProcessorTime(in.Name, k.Name)
}

// storeCollector reports on the store of metrics, under the names that Prometheus uses.
type storeCollector struct{ db *tsdb.DB }

// Describe implements prometheus.Collector.
func (c *storeCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *storeCollector) Collect(out chan<- prometheus.Metric) {
	send := func(name, help string, kind prometheus.ValueType, v float64) {
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, nil, nil), kind, v)
	}
	st := c.db.Stats()
	send("prometheus_tsdb_head_series", "Total number of series in the head block.", prometheus.GaugeValue, float64(st.Series))
	send("prometheus_tsdb_head_chunks_storage_size_bytes", "Bytes that samples and labels take.", prometheus.GaugeValue, float64(st.Bytes))
	send("prometheus_tsdb_out_of_order_samples_total", "Samples that were not newer than the last of their series.", prometheus.CounterValue, float64(st.OutOfOrder))
	send("shopctl_metrics_refused_series_total", "Samples dropped because there were too many series.", prometheus.CounterValue, float64(st.TooMany))
	send("shopctl_metrics_forgotten_samples_total", "Samples dropped early to stay within the memory limit.", prometheus.CounterValue, float64(st.Evicted))
}
