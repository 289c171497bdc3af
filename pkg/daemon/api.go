package daemon

import (
	"cmp"

	"github.com/shopctl/shopctl/pkg/daemon/api"
	"github.com/shopctl/shopctl/pkg/observe/otlp"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// apiDeps are the parts of the shop that its API serves. receiver is nil if no spans are received.
func (s *shop) apiDeps(receiver *otlp.Receiver, deliveries controlpb.DeliveryServer) api.Deps {
	info := api.Info{
		Name: s.dir.Name, Namespace: s.store.Namespace(), Driver: s.cfg.Driver, Version: s.cfg.Version, Started: s.started,
		RunDir: s.dir.Run, StateDir: s.dir.State, Monolith: s.cfg.Monolith, PrometheusURL: s.meters.url,
	}
	if receiver != nil {
		info.OTLP, info.OTLPHTTP = receiver.GRPC(), "http://"+receiver.HTTP()+otlp.Path
	}
	deps := api.Deps{
		Info: info, Names: s.names, Shop: s.runtime, CheckImage: s.runtime.checkImage, Builtin: s.runtime.builtin,
		Objects: s.store, Defaults: s.cfg.Defaults, Refresh: func() { s.source.refresh() },
		Faults: s.faults, FaultsChanged: s.faultsChanged.Wait,
		Events: s.events, Logs: s.logs, Spans: s.spans, Requests: &s.requests, Calls: s.calls, Impact: s.impact,
		Forward: s.forward, ForwardTo: s.cfg.SpansForward,
		Memory: s.memory, Stats: s.stats, Metrics: s.meters.db, Query: s.meters.query, Rules: s.meters.rules, Vector: s.vector,
		Delivery: deliveries,
		Stop:     s.stop, Kill: s.kill, Leaving: s.leaving, Log: s.log, Now: s.now,
	}
	if s.mesh != nil {
		deps.Mesh = meshView{s.mesh, cmp.Or(s.cfg.Mesh, MeshAuto), s.state, s.store}
	}
	return deps
}
