package orchestrator

import (
	"cmp"
	"maps"
)

// Endpoint is a pod behind a port of a Service. Every Service port's endpoints are found once, for everything that
// needs them: the Service's stable address, the instances that call it, and a control plane for proxies.
//
// A port that a pod with a sidecar declares, and that no Service leads to, is one of a Service without a name: its sidecar takes
// calls there, so that a Service can begin to lead to it, or cease to, without a lost call.
type Endpoint struct {
	Service     Key
	ServicePort int32
	// Workload, Pod and Container are what serves it.
	Workload       Key
	Pod, Container string
	Labels         map[string]string
	ServiceAccount string
	// Addr is where the daemon reaches it, PeerAddr where other pods do, "host:port". TargetPort is the port that the
	// container declares.
	Addr, PeerAddr string
	TargetPort     int32
	// PortName is the name of that port, and Protocol what its pod says it speaks: grpc, http, tcp, or empty where it is not known.
	// Both are only known without a Service.
	PortName, Protocol string
	// Ready: it may be called. Draining: its pod is stopping. Sidecar: PeerAddr is that of its pod's sidecar, which takes
	// mutual TLS.
	Ready, Draining, Sidecar bool
}

// Serving reports whether new calls should go to the endpoint.
func (e Endpoint) Serving() bool { return e.Ready && !e.Draining }

// Compare orders endpoints by Service, port and pod.
func (e Endpoint) Compare(o Endpoint) int {
	return cmp.Or(
		cmp.Compare(e.Service.Namespace, o.Service.Namespace), cmp.Compare(e.Service.Name, o.Service.Name),
		cmp.Compare(e.ServicePort, o.ServicePort), cmp.Compare(e.Pod, o.Pod),
	)
}

// Equal reports whether two endpoints are the same, in the same state.
func (e Endpoint) Equal(o Endpoint) bool {
	return e.Service == o.Service && e.ServicePort == o.ServicePort && e.Workload == o.Workload && e.Pod == o.Pod &&
		e.Container == o.Container && maps.Equal(e.Labels, o.Labels) && e.ServiceAccount == o.ServiceAccount &&
		e.Addr == o.Addr && e.PeerAddr == o.PeerAddr && e.TargetPort == o.TargetPort &&
		e.PortName == o.PortName && e.Protocol == o.Protocol &&
		e.Ready == o.Ready && e.Draining == o.Draining && e.Sidecar == o.Sidecar
}
