package agent

import (
	"slices"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

// exchange is a transfer whose requests are kept.
type exchange struct {
	*transfer
	t     *testing.T
	acked map[string]string
	inUse []string
}

func newExchange(t *testing.T) *exchange {
	x := &exchange{t: t, acked: map[string]string{}}
	x.transfer = newTransfer(&corev3.Node{Id: "a"}, func(r *discoveryv3.DiscoveryRequest) error {
		x.acked[r.GetTypeUrl()] = r.GetVersionInfo()
		return nil
	})
	if err := x.begin(); err != nil {
		t.Fatal(err)
	}
	return x
}

// respond is a response of a version, with one cluster and its endpoints.
func (x *exchange) respond(kind, version string) {
	x.t.Helper()
	r := &discoveryv3.DiscoveryResponse{TypeUrl: kind, VersionInfo: version, Nonce: version + kind}
	var m proto.Message
	switch kind {
	case clusterType:
		m = &clusterv3.Cluster{Name: "c", ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS}}
	case endpointType:
		m = &endpointv3.ClusterLoadAssignment{ClusterName: "c"}
	}
	if m != nil {
		packed, err := anypb.New(m)
		if err != nil {
			x.t.Fatal(err)
		}
		r.Resources = append(r.Resources, packed)
	}
	err := x.received(r, func(in *xds.Resources) error {
		x.inUse = append(x.inUse, in.Version)
		return nil
	})
	if err != nil {
		x.t.Fatal(err)
	}
}

func TestAVersionIsInForceAndAcknowledgedOnceItIsWhole(t *testing.T) {
	x := newExchange(t)
	for _, kind := range []string{clusterType, listenerType, endpointType} {
		if len(x.inUse) > 0 {
			t.Fatalf("%v is in force without %s", x.inUse, kind)
		}
		x.respond(kind, "1")
	}
	if !slices.Equal(x.inUse, []string{"1"}) || x.acked[clusterType] != "1" || x.acked[endpointType] != "1" || x.acked[listenerType] != "1" {
		t.Errorf("in force %v, acknowledged %v", x.inUse, x.acked)
	}
}

func TestAResponseOfAnOlderVersionThatArrivesLastIsAcknowledged(t *testing.T) {
	x := newExchange(t)
	for _, kind := range []string{clusterType, listenerType, endpointType} {
		x.respond(kind, "1")
	}
	x.respond(listenerType, "3")
	x.respond(clusterType, "3")
	x.respond(endpointType, "2") // the server sends the next one once this is acknowledged
	if x.acked[endpointType] != "2" {
		t.Fatalf("endpoints acknowledged are those of version %q", x.acked[endpointType])
	}
	x.respond(endpointType, "3")
	if !slices.Equal(x.inUse, []string{"1", "3"}) || x.acked[endpointType] != "3" {
		t.Errorf("in force %v, acknowledged %v", x.inUse, x.acked)
	}
}
