package daemon

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/shopctl/shopctl/pkg/daemon/api"
	"github.com/shopctl/shopctl/pkg/daemon/names"
	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// meter measures that every container of an instance has used as many seconds as it has letters.
type meter struct{ orchestrator.Orchestrator }

func (meter) Memory(string) (map[string]int64, bool) {
	return map[string]int64{"server": 1000, "istio-proxy": 200, "redis": 30}, true
}

func (meter) ProcessorTime(_, container string) (float64, bool) {
	return float64(len(container)), container != "unknown"
}

// Who reports its processor time itself is not measured besides: the sum of both would count it twice.
func TestContainersThatDoNotReportTheirProcessorTimeAreMeasured(t *testing.T) {
	s := &shop{state: &orchestrator.State{}, names: &names.Directory{Namespace: "production"}, runtime: runtime{Orchestrator: meter{}}}
	s.memory = api.NewMemory(s.runtime, time.Now)
	s.state.Publish(orchestrator.Snapshot{Workloads: []orchestrator.Workload{{
		Key: orchestrator.Key{Namespace: "production", Name: "web"}, Instances: []orchestrator.Instance{{Name: "web-1", Containers: []orchestrator.Container{
			{Name: "server", ID: "process://1", Admin: "127.0.0.1:1"},
			{Name: "istio-proxy", ID: "process://2", Admin: "127.0.0.1:2", Listeners: map[string]string{}},
			{Name: "redis", ID: "process://3"},
			{Name: "unknown", ID: "process://4"},
			{Name: "stopped"},
		}}},
	}}})
	registry := prometheus.NewRegistry()
	registry.MustRegister(&workloadCollector{s})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			for _, label := range m.GetLabel() {
				if family.GetName() == "container_cpu_usage_seconds_total" && label.GetName() == "container" {
					got[label.GetValue()] = m.GetCounter().GetValue()
				}
			}
			if family.GetName() == "shopctl_memory_bytes" {
				got["memory"] = m.GetGauge().GetValue()
			}
		}
	}
	if d := cmp.Diff(map[string]float64{"istio-proxy": 11, "redis": 5, "memory": 1230}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
