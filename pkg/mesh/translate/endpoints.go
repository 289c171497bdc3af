package translate

import (
	"cmp"
	"strings"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	"google.golang.org/protobuf/types/known/structpb"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
)

// Endpoints returns the endpoints of each cluster of a service's port that takes them.
func (m *Mesh) Endpoints(proxy Proxy, s *Service, port Port) []*endpointv3.ClusterLoadAssignment {
	d := m.destination(proxy, m.host(s))
	labels := map[string]map[string]string{}
	for _, subset := range d.subsets {
		labels[subset.GetName()] = subset.GetLabels()
	}
	all := []*endpointv3.ClusterLoadAssignment{}
	for _, subset := range append([]string{""}, names(d.subsets)...) {
		policy := d.policyOf(port.Number, subset)
		c := &clusterv3.Cluster{ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS}}
		if balanceLoad(c, policy.GetLoadBalancer()); c.GetType() != clusterv3.Cluster_EDS {
			continue
		}
		plain := policy.GetTls() != nil && policy.GetTls().GetMode() == networking.ClientTLSSettings_DISABLE
		all = append(all, m.assignment(s, port, clusterName(port.Number, subset, m.host(s)), func(e Endpoint) bool {
			return includes(e.Labels, labels[subset]) && reachable(policy.GetTls())
		}, plain))
	}
	return all
}

// Behind are the endpoints to which the address of a service's port leads, whatever the subset of the cluster that gets them.
func (m *Mesh) Behind(s *Service, port Port, cluster string) *endpointv3.ClusterLoadAssignment {
	return m.assignment(s, port, cluster, func(Endpoint) bool { return true }, false)
}

// assignment gives a cluster some of a service's endpoints.
func (m *Mesh) assignment(s *Service, port Port, cluster string, takes func(Endpoint) bool, plain bool) *endpointv3.ClusterLoadAssignment {
	out := &endpointv3.ClusterLoadAssignment{ClusterName: cluster}
	var found []*endpointv3.LbEndpoint
	for _, e := range s.Endpoints {
		if takes(e) {
			found = append(found, lbEndpoint(s.Namespace, e, e.port(port.TargetPort), !plain && m.takesMutualTLS(s, e, port)))
		}
	}
	if len(found) > 0 {
		out.Endpoints = []*endpointv3.LocalityLbEndpoints{{LbEndpoints: found}}
	}
	return out
}

// takesMutualTLS reports whether an endpoint has a sidecar that does.
func (m *Mesh) takesMutualTLS(s *Service, e Endpoint, port Port) bool {
	w := Workload{Namespace: s.Namespace, Labels: e.Labels}
	return e.Sidecar && m.mtls(w, port.TargetPort).mode != security.PeerAuthentication_MutualTLS_DISABLE
}

func names(subsets []*networking.Subset) []string {
	var all []string
	for _, s := range subsets {
		all = append(all, s.GetName())
	}
	return all
}

// clusterID is what istiod calls a cluster that is given no name.
const clusterID = "Kubernetes"

// workload is what sidecars know of an endpoint's workload, by its canonical name and revision.
func workload(namespace string, e Endpoint) *structpb.Struct {
	name := cmp.Or(e.Labels["service.istio.io/canonical-name"], e.Labels["app.kubernetes.io/name"], e.Labels["app"], e.Workload)
	revision := cmp.Or(e.Labels["service.istio.io/canonical-revision"], e.Labels["app.kubernetes.io/version"], e.Labels["version"], "latest")
	text := strings.Join([]string{e.Workload, namespace, name, revision, clusterID}, ";")
	return &structpb.Struct{Fields: map[string]*structpb.Value{"workload": structpb.NewStringValue(text)}}
}

func lbEndpoint(namespace string, e Endpoint, port uint32, mutual bool) *endpointv3.LbEndpoint {
	out := &endpointv3.LbEndpoint{HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{
		Address: &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
			Address: e.Address, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: port},
		}}},
	}}}
	out.Metadata = &corev3.Metadata{FilterMetadata: map[string]*structpb.Struct{"istio": workload(namespace, e)}}
	if mutual {
		out.Metadata.FilterMetadata["envoy.transport_socket_match"] = tlsMode()
	}
	return out
}
