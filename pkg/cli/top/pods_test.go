package top_test

import (
	"context"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func TestMain(m *testing.M) { clitest.Main(m) }

// meteredShop has pods and their processor time.
type meteredShop struct {
	clitest.FakeShop
	cores map[[2]string]float64 // by pod and container
}

func (s *meteredShop) QueryMetrics(context.Context, *controlpb.QueryMetricsRequest) (*controlpb.QueryMetricsResponse, error) {
	resp := &controlpb.QueryMetricsResponse{ResultType: "vector"}
	for key, cores := range s.cores {
		resp.Series = append(resp.Series, &controlpb.MetricSeries{
			Labels:  map[string]string{"namespace": "production", "pod": key[0], "container": key[1]},
			Samples: []*controlpb.MetricSample{{Value: cores}},
		})
	}
	return resp, nil
}

// meteredPods is a shop of a pod with a sidecar, one without, and one that has just started.
func meteredPods() *meteredShop {
	pod := func(name string, containers ...*controlpb.Container) *controlpb.Service {
		in := &controlpb.Instance{Name: name + "-5d4f-x2k4q", State: "ready", Status: "Running", Started: clitest.Ago(3 * time.Minute), Containers: containers}
		return &controlpb.Service{Name: name, Workload: name, Namespace: "production", Instances: []*controlpb.Instance{in}}
	}
	container := func(name string, memory int64) *controlpb.Container {
		return &controlpb.Container{Name: name, Kind: "app", State: "running", Id: "process://1", MemoryBytes: memory}
	}
	s := &meteredShop{cores: map[[2]string]float64{
		{"cart-5d4f-x2k4q", "server"}: 0.0101, {"cart-5d4f-x2k4q", "istio-proxy"}: 0.0203, {"ad-5d4f-x2k4q", "server"}: 0.0201,
	}}
	done := &controlpb.Container{Name: "migrate", Kind: "init", State: "completed"}
	s.Current = &controlpb.StatusResponse{Namespace: "production", Services: []*controlpb.Service{
		pod("cart", done, container("server", 9<<20), container("istio-proxy", 6<<20+1<<19)),
		pod("ad", container("server", 8<<20)), pod("young", container("server", 1<<20)),
	}}
	s.Objects = []*controlpb.Object{clitest.Object("v1", "Namespace", "production", nil), clitest.Deployment("cart", 1, 1), clitest.Deployment("ad", 1, 1)}
	return s
}

func TestPodsAndContainersAreShownInTheColumnsOfKubectl(t *testing.T) {
	w := clitest.NewWorld(t).Serve(meteredPods())
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "NAME              CPU(cores)   MEMORY(bytes)\nad-5d4f-x2k4q     21m          8Mi\ncart-5d4f-x2k4q   31m          15Mi\n"},
		{[]string{"--no-headers", "--sort-by", "memory"}, "cart-5d4f-x2k4q   31m   15Mi\nad-5d4f-x2k4q     21m   8Mi\n"},
		{[]string{"--containers", "--sort-by=cpu", "--no-headers"}, "cart-5d4f-x2k4q   istio-proxy   21m   6Mi\ncart-5d4f-x2k4q   server        11m   9Mi\nad-5d4f-x2k4q     server        21m   8Mi\n"},
		{[]string{"pod/ad-5d4f-x2k4q", "--no-headers"}, "ad-5d4f-x2k4q   21m   8Mi\n"},
		{[]string{"-l", "app=cart", "--no-headers", "-A"}, "production   cart-5d4f-x2k4q   31m   15Mi\n"},
		{[]string{"--sum", "--no-headers"}, "ad-5d4f-x2k4q     21m        8Mi\ncart-5d4f-x2k4q   31m        15Mi\n                  ________   ________\n                  51m        23Mi\n"},
	} {
		w.Want(cmdutil.ExitOK, append([]string{"top", "pods"}, c.args...)...)
		clitest.WantEqual(t, w.Out.String(), c.want)
	}
}

func TestPodsThatWereNotMeasuredAreNamed(t *testing.T) {
	w := clitest.NewWorld(t).Serve(meteredPods())
	w.Want(cmdutil.ExitFailed, "top", "pods", "young-5d4f-x2k4q")
	w.WantErr("error: metrics not available yet for pod young-5d4f-x2k4q", "hint: shopctl get pods")
	w.Want(cmdutil.ExitFailed, "top", "pod", "nosuch")
	w.WantErr("error: pod/nosuch not found")
	w.Want(cmdutil.ExitOK, "top", "pods", "-l", "app=nosuch")
	w.WantErr("no resources found in production namespace")
	w.Want(cmdutil.ExitOK, "top", "pods")
	w.WantErr("no metrics yet of young-5d4f-x2k4q")
}

func TestNodesAndWrongFlagsAreAnswered(t *testing.T) {
	w := clitest.NewWorld(t).Serve(meteredPods())
	w.Want(cmdutil.ExitUsage, "top", "nodes")
	w.WantErr("there are no nodes", "hint: shopctl top pods")
	for _, args := range [][]string{
		{"--sort-by", "name"}, {"ad-5d4f-x2k4q", "-l", "app=ad"}, {"ad-5d4f-x2k4q", "-A"}, {"deployment/ad"}, {"-l", "=="},
	} {
		w.Want(cmdutil.ExitUsage, append([]string{"top", "pods"}, args...)...)
		w.WantErr("shopctl: error: ", "shopctl: hint: ")
	}
	clitest.NewWorld(t).Want(cmdutil.ExitNotRunning, "top", "pods")
}
