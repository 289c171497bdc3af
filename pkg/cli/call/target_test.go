package call

import (
	"testing"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func TestACallFromOutsideOfTheMeshGoesToAnInstancesOwnPort(t *testing.T) {
	alone := &controlpb.Container{Name: "server"}
	proxy := &controlpb.Container{Name: "istio-proxy"}
	for _, tc := range []struct {
		instances []*controlpb.Instance
		want      string
	}{
		{[]*controlpb.Instance{{State: "ready", Address: "own:1", Containers: []*controlpb.Container{alone}}}, "stable:1"},
		{[]*controlpb.Instance{{State: "ready", Address: "own:1", Containers: []*controlpb.Container{proxy, alone}}}, "own:1"},
		{[]*controlpb.Instance{{State: "starting", Address: "own:1", Containers: []*controlpb.Container{proxy, alone}}}, "stable:1"},
	} {
		if got := ownAddress(&controlpb.Service{Address: "stable:1", Instances: tc.instances}); got != tc.want {
			t.Errorf("%v: %s, want %s", tc.instances, got, tc.want)
		}
	}
}
