package translate

import (
	"fmt"

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

// peerRule is how connections to a port of a workload are secured, and which part of which policy says so.
type peerRule struct {
	mode security.PeerAuthentication_MutualTLS_Mode
	// policy and part are where that stands; nil: nowhere. otherwise is what would hold without.
	policy    *PeerAuthentication
	part      string
	otherwise security.PeerAuthentication_MutualTLS_Mode
}

// narrow lets a part of a policy hold, unless that leaves it open.
func (r *peerRule) narrow(p *PeerAuthentication, part string, mode security.PeerAuthentication_MutualTLS_Mode) {
	if mode != security.PeerAuthentication_MutualTLS_UNSET {
		r.policy, r.part, r.otherwise, r.mode = p, part, r.mode, mode
	}
}

// origin names it in the metadata of a filter chain; nil where nothing says it.
func (r *peerRule) origin() map[string]string {
	if r.policy == nil {
		return map[string]string{}
	}
	return map[string]string{
		"config": configPath(r.policy.Namespace, "peer-authentication", r.policy.Name), "rule": r.part, "mode": r.mode.String(),
		"otherwise": r.otherwise.String(),
	}
}

// mtls is how connections to a port of a workload are secured. The policy of the workload holds before that of its
// namespace, and that before the mesh's; of several the oldest. One that leaves it open takes it from the next. A policy
// of the root namespace that selects workloads has no effect.
func (m *Mesh) mtls(w Workload, port uint32) peerRule {
	rule := peerRule{mode: security.PeerAuthentication_MutualTLS_PERMISSIVE}
	narrow := func(p *PeerAuthentication) {
		if p != nil {
			rule.narrow(p, "spec.mtls", p.Spec.GetMtls().GetMode())
		}
	}
	narrow(m.peerPolicy(m.RootNamespace, nil))
	if w.Namespace != m.RootNamespace {
		narrow(m.peerPolicy(w.Namespace, nil))
	}
	if own := m.peerPolicy(w.Namespace, w.Labels); own != nil {
		narrow(own)
		rule.narrow(own, fmt.Sprintf("spec.portLevelMtls.%d", port), own.Spec.GetPortLevelMtls()[port].GetMode())
	}
	return rule
}

// peerPolicy is the oldest policy of a namespace: without labels one for all workloads, else one that selects them. Nil if
// there is none.
func (m *Mesh) peerPolicy(namespace string, labels map[string]string) *PeerAuthentication {
	for _, p := range sortedOldest(m.PeerAuthentications, func(p PeerAuthentication) Meta { return p.Meta }) {
		selector := p.Spec.GetSelector().GetMatchLabels()
		if p.Namespace != namespace || (len(selector) > 0) != (labels != nil) {
			continue
		}
		if includes(labels, selector) && (labels == nil || namespace != m.RootNamespace) {
			return &p
		}
	}
	return nil
}
