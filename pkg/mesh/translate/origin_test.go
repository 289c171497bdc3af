package translate

import (
	"testing"

	networking "istio.io/api/networking/v1alpha3"
)

func TestRoutesAndClustersNameTheirObject(t *testing.T) {
	to := []*networking.HTTPRouteDestination{{Destination: &networking.Destination{Host: "payment"}}}
	m := &Mesh{
		Domain: "cluster.local", Services: []Service{{Name: "payment", Namespace: "shop", Ports: []Port{{Number: 80, TargetPort: 80, Protocol: GRPC}}}},
		VirtualServices: []VirtualService{{Meta: Meta{Name: "canary", Namespace: "shop"}, Spec: &networking.VirtualService{Hosts: []string{"payment"}, Http: []*networking.HTTPRoute{
			{Match: []*networking.HTTPMatchRequest{{SourceLabels: map[string]string{"app": "other"}}}, Route: to}, {Route: to},
		}}}},
		DestinationRules: []DestinationRule{
			{Meta{Name: "a-subsets", Namespace: "shop"}, &networking.DestinationRule{Host: "payment", Subsets: []*networking.Subset{{Name: "v1"}}}},
			{Meta{Name: "b-policy", Namespace: "shop"}, &networking.DestinationRule{Host: "payment", TrafficPolicy: &networking.TrafficPolicy{}}},
		},
	}
	proxy := Proxy{Namespace: "shop"}
	host := m.VirtualHost(proxy, &m.Services[0], m.Services[0].Ports[0])
	fields := host.GetRoutes()[0].GetMetadata().GetFilterMetadata()["istio"].GetFields()
	if got := fields["config"].GetStringValue(); got != "/apis/networking.istio.io/v1/namespaces/shop/virtual-service/canary" {
		t.Errorf("config %q", got)
	}
	if got := fields["rule"].GetStringValue(); len(host.GetRoutes()) != 1 || got != "spec.http[1]" {
		t.Errorf("rule %q of %d routes: the first does not concern this sidecar", got, len(host.GetRoutes()))
	}
	for _, c := range m.Clusters(proxy, &m.Services[0], m.Services[0].Ports[0]) {
		if got := c.GetMetadata().GetFilterMetadata()["istio"].GetFields()["config"].GetStringValue(); got != "/apis/networking.istio.io/v1/namespaces/shop/destination-rule/b-policy" {
			t.Errorf("%s: config %q", c.GetName(), got)
		}
	}
}
