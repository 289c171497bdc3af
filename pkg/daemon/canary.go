package daemon

import (
	"context"

	"github.com/shopctl/shopctl/pkg/daemon/api"
	"github.com/shopctl/shopctl/pkg/daemon/canaries"
	"github.com/shopctl/shopctl/pkg/delivery"
	"github.com/shopctl/shopctl/pkg/observe"
)

// newCanaries makes what drives the canaries of the shop, and what serves them; the first is nil in a shop without sidecars.
func (s *shop) newCanaries() (*delivery.Runner, *canaries.Server) {
	switcher := s.newSwitcher()
	if s.mesh == nil {
		return nil, canaries.NewServer(nil, switcher, s.names)
	}
	view := meshView{s.mesh, s.cfg.Mesh, s.state, s.store}
	runner := delivery.NewRunner(delivery.Config{
		Objects: s.store, Observer: s.state, Requests: &s.requests, Front: s.storefront(), CheckImage: s.runtime.checkImage, Now: s.now, Log: s.log,
		InForce: func(ctx context.Context) bool {
			sidecars, behind := view.InForce(ctx)
			return sidecars > 0 && len(behind) == 0
		},
		Join: func(ctx context.Context, namespace string) error {
			_, err := api.JoinMesh(ctx, s.store, []string{namespace}, true, false)
			s.sync()
			return err
		},
		Changed: s.sync,
		Event:   s.delivered,
	})
	return runner, canaries.NewServer(runner, switcher, s.names)
}

// newSwitcher makes what switches Services between releases.
func (s *shop) newSwitcher() *delivery.Switcher {
	return delivery.NewSwitcher(delivery.SwitcherConfig{
		Objects: s.store, Observer: s.state, Prober: s.runtime, Now: s.now, Changed: s.sync, Event: s.delivered,
		Behind: func(ctx context.Context) (pods []string) {
			if s.mesh == nil {
				return nil
			}
			_, behind := meshView{s.mesh, s.cfg.Mesh, s.state, s.store}.InForce(ctx)
			for _, b := range behind {
				pods = append(pods, b.Instance)
			}
			return pods
		},
	})
}

// delivered adds an event of a release.
func (s *shop) delivered(e delivery.Event) {
	kind := observe.Normal
	if e.Warning {
		kind = observe.Warning
	}
	s.events.Add(observe.Event{Type: kind, Reason: e.Reason, Service: e.Service, Message: e.Message})
}

// sync makes the orchestrator act on changed objects now.
func (s *shop) sync() {
	s.source.refresh()
	s.runtime.Sync()
}
