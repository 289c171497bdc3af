package translate

import (
	security "istio.io/api/security/v1beta1"
)

// PeerAuthentication says whether peers have to identify themselves.
type PeerAuthentication struct {
	Meta
	Spec *security.PeerAuthentication
}

// Workload is a callee: an instance with its labels.
type Workload struct {
	Namespace string
	Labels    map[string]string
}

// mtls is how connections to a port of a workload are secured. The policy of the workload holds before that of its
// namespace, and that before the mesh's; of several the oldest. One that leaves it open takes it from the next. A policy
// of the root namespace that selects workloads has no effect.
func (m *Mesh) mtls(w Workload, port uint32) security.PeerAuthentication_MutualTLS_Mode {
	mode := security.PeerAuthentication_MutualTLS_PERMISSIVE
	narrow := func(spec *security.PeerAuthentication) {
		if set := spec.GetMtls().GetMode(); set != security.PeerAuthentication_MutualTLS_UNSET {
			mode = set
		}
	}
	narrow(m.peerPolicy(m.RootNamespace, nil))
	if w.Namespace != m.RootNamespace {
		narrow(m.peerPolicy(w.Namespace, nil))
	}
	own := m.peerPolicy(w.Namespace, w.Labels)
	narrow(own)
	if set := own.GetPortLevelMtls()[port].GetMode(); set != security.PeerAuthentication_MutualTLS_UNSET {
		mode = set
	}
	return mode
}

// peerPolicy is the oldest policy of a namespace: without labels one for all workloads, else one that selects them. Nil if
// there is none.
func (m *Mesh) peerPolicy(namespace string, labels map[string]string) *security.PeerAuthentication {
	for _, p := range sortedOldest(m.PeerAuthentications, func(p PeerAuthentication) Meta { return p.Meta }) {
		selector := p.Spec.GetSelector().GetMatchLabels()
		if p.Namespace != namespace || (len(selector) > 0) != (labels != nil) {
			continue
		}
		if includes(labels, selector) && (labels == nil || namespace != m.RootNamespace) {
			return p.Spec
		}
	}
	return nil
}
