// Package api serves the control API of a shop, in small servers that each depend only on the parts of the shop that they
// need, and maps the shop's types to protocol buffers.
package api

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/prometheus/promql"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/daemon/api/execserver"
	"github.com/shopctl/shopctl/pkg/daemon/names"
	"github.com/shopctl/shopctl/pkg/fault"
	"github.com/shopctl/shopctl/pkg/foreign"
	"github.com/shopctl/shopctl/pkg/observe"
	"github.com/shopctl/shopctl/pkg/observe/alert"
	"github.com/shopctl/shopctl/pkg/observe/impact"
	"github.com/shopctl/shopctl/pkg/observe/otlp"
	"github.com/shopctl/shopctl/pkg/observe/query"
	"github.com/shopctl/shopctl/pkg/observe/scrape"
	"github.com/shopctl/shopctl/pkg/observe/servicegraph"
	"github.com/shopctl/shopctl/pkg/observe/spans"
	"github.com/shopctl/shopctl/pkg/observe/tsdb"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Info describes what does not change while a shop runs. Addresses are empty where nothing is served.
type Info struct {
	Name, Namespace, Driver, Version string
	Started                          time.Time
	RunDir, StateDir                 string
	Monolith                         bool
	PrometheusURL                    string
	// OTLP and OTLPHTTP are where spans are received.
	OTLP, OTLPHTTP string
}

// Calls are the calls between services, measured from spans.
type Calls interface {
	// Between returns the calls in a span of time.
	Between(from, to time.Time) servicegraph.Snapshot
	// Baseline returns those before a fault, empty if they were not measured.
	Baseline(faultID string) servicegraph.Snapshot
}

// Deps are the parts of a shop that are served. All are required, except for Forward.
type Deps struct {
	Info  Info
	Names *names.Directory
	Shop  orchestrator.Orchestrator
	// CheckImage is why a container with an image and a command cannot run; nil: every image can be tried.
	CheckImage func(image string, command []string) error
	// Builtin reports whether an image runs a built-in service and no program of the user.
	Builtin func(image string) bool
	// Objects are what the shop should be.
	Objects orchestrator.Objects
	// Defaults are the objects that the shop comes with.
	Defaults []resource.Manifest
	// Refresh makes the orchestrator's source read the store now.
	Refresh func()

	Faults *fault.Registry
	// FaultsChanged returns a channel that is closed by the next change of the faults.
	FaultsChanged func() <-chan struct{}

	Events *observe.Events
	Logs   *observe.Logs
	Spans  *spans.Store
	// Requests are those that went through sidecars.
	Requests *observe.Requests
	Calls    Calls
	Impact   *impact.Tracker
	// Forward forwards spans to ForwardTo; nil if they are not forwarded.
	Forward   *otlp.Forwarder
	ForwardTo string

	// Delivery serves the canaries.
	Delivery controlpb.DeliveryServer
	// Mesh is nil in a shop that can have no sidecars.
	Mesh Mesh

	Memory  *Memory
	Stats   *scrape.Scraper
	Metrics *tsdb.DB
	Query   *query.Engine
	Rules   *alert.Manager
	// Vector evaluates an expression whose result is a vector.
	Vector func(ctx context.Context, expr string, at time.Time) (promql.Vector, error)

	// Stop shuts the daemon down, Kill at once.
	Stop, Kill func()
	// Leaving is closed when the last instance is gone; open streams then end.
	Leaving <-chan struct{}
	Log     *slog.Logger
	Now     func() time.Time
}

// backend is the whole API.
type backend struct {
	shopServer
	*tracesServer
	*metricsServer
	*topologyServer
	*meshServer
	controlpb.DeliveryServer
}

// shopServer is the service Shop.
type shopServer struct {
	unimplemented
	*statusServer
	*shutdownServer
	*eventsServer
	*logsServer
	*objectsServer
	*faultsServer
	*sessionsServer
	*execserver.Server
}

// unimplemented is one level deeper than the servers, whose methods win.
type unimplemented struct {
	controlpb.UnimplementedShopServer
}

// New returns the API of a shop.
func New(d Deps) control.Backend {
	builtin := &builtinObjects{defaults: d.Defaults, objects: d.Objects, names: d.Names}
	v := &view{
		builtin: builtin,
		info:    d.Info, names: d.Names, shop: d.Shop, faults: d.Faults, faultsChanged: d.FaultsChanged,
		stats: d.Stats, calls: d.Calls, memory: d.Memory, now: d.Now,
	}
	traces := &tracesServer{spans: d.Spans, names: d.Names, leaving: d.Leaving, now: d.Now}
	if d.Forward != nil {
		traces.forward, traces.forwardTo = d.Forward, d.ForwardTo
	}
	return backend{
		shopServer: shopServer{
			statusServer:   &statusServer{view: v, stats: d.Stats, leaving: d.Leaving},
			shutdownServer: &shutdownServer{shop: d.Shop, names: d.Names, stop: d.Stop, kill: d.Kill},
			eventsServer:   &eventsServer{events: d.Events, names: d.Names, leaving: d.Leaving},
			logsServer:     &logsServer{logs: d.Logs, names: d.Names, traces: traces, leaving: d.Leaving},
			objectsServer: &objectsServer{
				objects: d.Objects, names: d.Names, refresh: d.Refresh, shop: d.Shop, state: d.Shop, builtin: builtin, checkImage: d.CheckImage, meshMode: modeOf(d.Mesh), overlays: d.Mesh, events: d.Events, now: d.Now,
			},
			Server:         &execserver.Server{Shop: d.Shop, Leaving: d.Leaving},
			faultsServer:   &faultsServer{faults: d.Faults, shop: d.Shop, now: d.Now},
			sessionsServer: newSessionsServer(foreign.Limits{Namespace: d.Info.Namespace, Builtin: d.Builtin}),
		},
		tracesServer: traces,
		metricsServer: &metricsServer{
			query: d.Query, db: d.Metrics, rules: d.Rules, targets: d.Stats, url: d.Info.PrometheusURL, now: d.Now,
		},
		meshServer:     &meshServer{mesh: d.Mesh, names: d.Names, requests: d.Requests, traces: traces, objects: d.Objects, leaving: d.Leaving, now: d.Now, vector: d.Vector, refresh: d.Stats.Refresh},
		DeliveryServer: d.Delivery,
		topologyServer: &topologyServer{view: v, calls: d.Calls, impact: d.Impact, spans: d.Spans, faults: d.Faults, vector: d.Vector, log: d.Log, now: d.Now, mesh: d.Mesh, metrics: d.Metrics, refresh: d.Stats.Refresh},
	}
}

// until returns a context that ends with ctx, or when the channel is closed. Its cancel function must be called.
func until(ctx context.Context, closed <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-closed:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
