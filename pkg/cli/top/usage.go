package top

import (
	"context"
	"math"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// podsView is the JSON of the command.
type podsView struct {
	Pods []podView `json:"pods"`
}

func (v podsView) Names() []string {
	names := make([]string, len(v.Pods))
	for i, pod := range v.Pods {
		names[i] = "pod/" + pod.Pod
	}
	return names
}

type podView struct {
	Namespace string `json:"namespace"`
	Pod       string `json:"pod"`
	usage
	Containers []containerView `json:"containers"`
}

type containerView struct {
	Name string `json:"name"`
	usage
}

// usage is what a pod or a container uses.
type usage struct {
	cores float64
	// CPUMillicores are thousandths of a core, rounded up as kubectl does.
	CPUMillicores int64 `json:"cpu_millicores"`
	// MemoryBytes is private memory, 0 if unknown.
	MemoryBytes int64 `json:"memory_bytes"`
}

func (u *usage) add(cores float64, memory int64) {
	u.cores += cores
	u.CPUMillicores = int64(math.Ceil(u.cores * 1000))
	u.MemoryBytes += memory
}

// container is a container of a pod by names.
type container struct{ namespace, pod, name string }

// coresOfContainers is the processor time in cores over the last minute: what was measured, else what a container says itself.
const coresOfContainers = `sum by (namespace, pod, container) (rate(container_cpu_usage_seconds_total[1m])) or sum by (namespace, pod, container) (rate(process_cpu_seconds_total{pod!=""}[1m]))`

// measured are the cores that containers use.
func measured(ctx context.Context, shop *control.Client) (map[container]float64, error) {
	resp, err := shop.QueryMetrics(ctx, &controlpb.QueryMetricsRequest{Expr: coresOfContainers})
	if err != nil {
		return nil, err
	}
	cores := map[container]float64{}
	for _, s := range resp.GetSeries() {
		labels := s.GetLabels()
		for _, sample := range s.GetSamples() {
			cores[container{labels["namespace"], labels["pod"], labels["container"]}] = sample.GetValue()
		}
	}
	return cores, nil
}

// viewPods are the pods that were measured, and the names of those that were not yet: as with the metrics-server of a cluster, a
// pod is measured if all its running containers are.
func viewPods(pods []resource.Object, st *controlpb.StatusResponse, cores map[container]float64) (v podsView, late []string) {
	instances := map[container]*controlpb.Instance{}
	for _, s := range st.GetServices() {
		for _, in := range s.GetInstances() {
			instances[container{namespace: s.GetNamespace(), pod: in.GetName()}] = in
		}
	}
	v.Pods = []podView{}
	for _, object := range pods {
		pod := podView{Namespace: object.GetNamespace(), Pod: object.GetName(), Containers: []containerView{}}
		complete := true
		for _, c := range instances[container{namespace: pod.Namespace, pod: pod.Pod}].GetContainers() {
			if c.GetId() == "" {
				continue // it does not run
			}
			used, ok := cores[container{pod.Namespace, pod.Pod, c.GetName()}]
			complete = complete && ok
			view := containerView{Name: c.GetName()}
			view.add(used, c.GetMemoryBytes())
			pod.add(used, c.GetMemoryBytes())
			pod.Containers = append(pod.Containers, view)
		}
		if !complete || len(pod.Containers) == 0 {
			late = append(late, pod.Pod)
			continue
		}
		v.Pods = append(v.Pods, pod)
	}
	return v, late
}
