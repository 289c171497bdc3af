package control

import (
	"net"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/mesh/translate"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/istio"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

const (
	domain = "cluster.local"
	// rootNamespace has the objects that hold for all namespaces.
	rootNamespace = "istio-system"
	// dryRunAnnotation makes a policy report what it would do.
	dryRunAnnotation = "istio.io/dry-run"
)

// Mesh is what the objects and the endpoints of a shop are for the translation. protocols are those of Services whose ports
// do not say it: by the Service, "grpc", "http" or "tcp".
func Mesh(objects store.Snapshot, endpoints []orchestrator.Endpoint, protocols map[orchestrator.Key]string) *translate.Mesh {
	m := &translate.Mesh{Domain: domain, TrustDomain: domain, RootNamespace: rootNamespace}
	serving := map[orchestrator.Key][]orchestrator.Endpoint{}
	for _, e := range endpoints {
		if e.Serving() && e.PeerAddr != "" {
			serving[e.Service] = append(serving[e.Service], e)
		}
	}
	for _, o := range store.All[*corev1.Service](objects, "") {
		key := orchestrator.Key{Namespace: o.Namespace, Name: o.Name}
		m.Services = append(m.Services, service(o, serving[key], protocols[key]))
	}
	m.Credentials = credentials(objects)
	for _, o := range store.All[*istio.Gateway](objects, "") {
		m.Gateways = append(m.Gateways, translate.Gateway{Meta: metaOf(o), Spec: o.Spec.Message()})
	}
	for _, o := range store.All[*istio.VirtualService](objects, "") {
		m.VirtualServices = append(m.VirtualServices, translate.VirtualService{Meta: metaOf(o), Spec: o.Spec.Message()})
	}
	for _, o := range store.All[*istio.DestinationRule](objects, "") {
		m.DestinationRules = append(m.DestinationRules, translate.DestinationRule{Meta: metaOf(o), Spec: o.Spec.Message()})
	}
	for _, o := range store.All[*istio.PeerAuthentication](objects, "") {
		m.PeerAuthentications = append(m.PeerAuthentications, translate.PeerAuthentication{Meta: metaOf(o), Spec: o.Spec.Message()})
	}
	for _, o := range store.All[*istio.AuthorizationPolicy](objects, "") {
		dry, _ := strconv.ParseBool(o.Annotations[dryRunAnnotation])
		m.AuthorizationPolicies = append(m.AuthorizationPolicies, translate.AuthorizationPolicy{Meta: metaOf(o), DryRun: dry, Spec: o.Spec.Message()})
	}
	for _, o := range store.All[*istio.RequestAuthentication](objects, "") {
		m.RequestAuthentications = append(m.RequestAuthentications, translate.RequestAuthentication{Meta: metaOf(o), Spec: o.Spec.Message()})
	}
	return m
}

func metaOf(o resource.Object) translate.Meta {
	return translate.Meta{Name: o.GetName(), Namespace: o.GetNamespace(), Created: o.GetCreationTimestamp().Time}
}

// service is a Service with its endpoints, those of one pod together.
func service(o *corev1.Service, endpoints []orchestrator.Endpoint, protocol string) translate.Service {
	s := translate.Service{Name: o.Name, Namespace: o.Namespace, Selector: o.Spec.Selector}
	targets := map[int32]uint32{}
	for _, e := range endpoints {
		targets[e.ServicePort] = uint32(e.TargetPort)
	}
	for _, p := range o.Spec.Ports {
		port := translate.Port{Number: uint32(p.Port), TargetPort: uint32(p.Port), Protocol: protocolOf(p, protocol)}
		if n := p.TargetPort.IntValue(); n > 0 {
			port.TargetPort = uint32(n)
		}
		if target, ok := targets[p.Port]; ok { // the number of a port that is written by its name
			port.TargetPort = target
		}
		s.Ports = append(s.Ports, port)
	}
	for _, e := range endpoints {
		host, port, ok := address(e.PeerAddr)
		if !ok {
			continue
		}
		at := slices.IndexFunc(s.Endpoints, func(have translate.Endpoint) bool { return have.Pod == e.Pod })
		if at < 0 {
			at = len(s.Endpoints)
			s.Endpoints = append(s.Endpoints, translate.Endpoint{
				Address: host, Pod: e.Pod, Workload: e.Workload.Name, Ports: map[uint32]uint32{}, Labels: e.Labels, ServiceAccount: e.ServiceAccount, Sidecar: e.Sidecar,
			})
		}
		s.Endpoints[at].Ports[uint32(e.TargetPort)] = port
	}
	return s
}

// protocolOf is what a port serves: by its appProtocol, the beginning of its name, or what is known of the Service.
func protocolOf(p corev1.ServicePort, known string) translate.Protocol {
	word, _, _ := strings.Cut(strings.ToLower(p.Name), "-")
	if p.AppProtocol != nil {
		word = strings.ToLower(*p.AppProtocol)
	}
	for _, w := range []string{word, known} {
		switch w {
		case "grpc":
			return translate.GRPC
		case "http2", "kubernetes.io/h2c":
			return translate.HTTP2
		case "http":
			return translate.HTTP
		case "tcp", "tls", "https", "redis", "mongo", "mysql":
			return translate.TCP
		}
	}
	return translate.TCP
}

func address(addr string) (host string, port uint32, ok bool) {
	host, number, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, false
	}
	n, err := strconv.ParseUint(number, 10, 16)
	return host, uint32(n), err == nil
}

// AppPorts are the ports of a pod that its program serves, as the Services in front of it call them; those without one as the pod
// declares them.
func AppPorts(m *translate.Mesh, endpoints []orchestrator.Endpoint, namespace, pod string) []AppPort {
	var ports []AppPort
	for _, e := range endpoints {
		if e.Pod != pod || e.Service.Namespace != namespace {
			continue
		}
		host, local, ok := address(e.Addr)
		if !ok {
			continue
		}
		for _, p := range portsTo(m, e) {
			p.TargetPort = uint32(e.TargetPort)
			known := slices.IndexFunc(ports, func(o AppPort) bool { return o.TargetPort == p.TargetPort })
			if known < 0 {
				ports = append(ports, AppPort{Port: p, Address: host, Local: local})
			} else if was := ports[known].Protocol; p.Protocol != was && (p.Protocol == translate.HTTP || was == translate.HTTP) {
				ports[known].Mixed = p.Protocol != translate.TCP && was != translate.TCP
			}
		}
	}
	slices.SortFunc(ports, func(a, b AppPort) int { return int(a.TargetPort) - int(b.TargetPort) })
	return ports
}

// portsTo are the ports of Services that lead to an endpoint; without a Service, the one that its pod declares.
func portsTo(m *translate.Mesh, e orchestrator.Endpoint) []translate.Port {
	if e.Service.Name == "" {
		return []translate.Port{{Number: uint32(e.TargetPort), Protocol: protocolOf(corev1.ServicePort{Name: e.PortName}, e.Protocol)}}
	}
	at := slices.IndexFunc(m.Services, func(s translate.Service) bool { return s.Namespace == e.Service.Namespace && s.Name == e.Service.Name })
	if at < 0 {
		return nil
	}
	var ports []translate.Port
	for _, p := range m.Services[at].Ports {
		if p.Number == uint32(e.ServicePort) {
			ports = append(ports, p)
		}
	}
	return ports
}
