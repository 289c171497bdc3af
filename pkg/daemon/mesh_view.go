package daemon

import (
	"crypto/x509"
	"encoding/pem"
	"slices"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/daemon/api"
	meshcontrol "github.com/shopctl/shopctl/pkg/mesh/control"
	"github.com/shopctl/shopctl/pkg/mesh/show"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

// meshView shows the API what the control plane knows of the sidecars.
type meshView struct {
	*mesh
	mode    string
	state   *orchestrator.State
	objects interface{ Snapshot() store.Snapshot }
}

var _ api.Mesh = meshView{}

// Mode implements api.Mesh.
func (v meshView) Mode() string { return v.mode }

// Overlays implements api.Mesh.
func (v meshView) Overlays() []resource.Object { return v.plane.Overlays() }

// Sidecars implements api.Mesh: those of pods that run.
func (v meshView) Sidecars() []api.Sidecar {
	snap, _ := v.state.Snapshot()
	pods := sidecarsOf(snap)
	var all []api.Sidecar
	for _, st := range v.plane.Status() {
		if c, ok := pods[st.ID]; ok {
			all = append(all, sidecarOf(st, c))
		}
	}
	slices.SortStableFunc(all, func(a, b api.Sidecar) int {
		return orchestrator.Endpoint{Service: a.Workload, Pod: a.Instance}.Compare(orchestrator.Endpoint{Service: b.Workload, Pod: b.Instance})
	})
	return all
}

// sidecarOf is what is known of a sidecar.
func sidecarOf(st meshcontrol.Status, c orchestrator.Container) api.Sidecar {
	return api.Sidecar{
		Workload: orchestrator.Key{Namespace: st.Namespace, Name: st.Workload}, Instance: st.Pod, Node: st.ID,
		State: stateOf(st), Message: st.Refused, Version: st.Acked, Wanted: st.Version, Since: st.Since,
		Certificate: certificateOf(st, c.Proxy.Certificate),
	}
}

// certificateOf is the certificate that a sidecar has reported.
func certificateOf(st meshcontrol.Status, c lifeline.Certificate) api.Certificate {
	return api.Certificate{Identity: st.Identity().URI(), Serial: c.Serial, NotBefore: c.NotBefore, NotAfter: c.NotAfter}
}

// ejectedBy are the endpoints that a sidecar has ejected.
func ejectedBy(p lifeline.Proxy) map[string]map[string]show.Ejection {
	all := map[string]map[string]show.Ejection{}
	for _, e := range p.Ejected {
		if all[e.Cluster] == nil {
			all[e.Cluster] = map[string]show.Ejection{}
		}
		all[e.Cluster][e.Address] = show.Ejection{Reason: e.Reason, Since: e.Since, Until: e.Until}
	}
	return all
}

// States of a sidecar.
const (
	synced   = "synced"
	stale    = "stale"
	rejected = "rejected"
)

// stateOf is the state of a sidecar in one word.
func stateOf(st meshcontrol.Status) string {
	switch {
	case !st.Connected:
		return "disconnected"
	case st.Refused != "":
		return rejected
	case st.InSync():
		return synced
	}
	return stale
}

// sidecarsOf are the sidecars of all pods, by their node ids.
func sidecarsOf(snap orchestrator.Snapshot) map[string]orchestrator.Container {
	all := map[string]orchestrator.Container{}
	for _, w := range snap.Workloads {
		for _, in := range w.Instances {
			for _, c := range in.Containers {
				if c.Listeners != nil {
					all[meshcontrol.NodeID(w.Namespace, in.Name)] = c
				}
			}
		}
	}
	return all
}

// Ejected implements api.Mesh.
func (v meshView) Ejected(node string) map[string]map[string]show.Ejection {
	snap, _ := v.state.Snapshot()
	return ejectedBy(sidecarsOf(snap)[node].Proxy)
}

// Held implements api.Mesh.
func (v meshView) Held(node string) (api.Held, bool) {
	snap, _ := v.state.Snapshot()
	c, ok := sidecarsOf(snap)[node]
	r := v.plane.Resources(node)
	if !ok || r == nil {
		return api.Held{}, false
	}
	held := api.Held{Resources: r, Live: show.Live{Addresses: c.Listeners, Ejected: ejectedBy(c.Proxy), Instances: map[string]string{}}}
	for _, e := range snap.Endpoints {
		held.Live.Instances[e.Addr], held.Live.Instances[e.PeerAddr] = e.Pod, e.Pod
	}
	if block, _ := pem.Decode(v.authority.Root()); block != nil {
		if root, err := x509.ParseCertificate(block.Bytes); err == nil {
			held.Root = api.Certificate{Identity: root.Subject.String(), Serial: root.SerialNumber.Text(16), NotBefore: root.NotBefore, NotAfter: root.NotAfter}
		}
	}
	return held, true
}
