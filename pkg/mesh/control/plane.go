package control

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/shopctl/shopctl/pkg/mesh/ads"
	"github.com/shopctl/shopctl/pkg/mesh/jwks"
	"github.com/shopctl/shopctl/pkg/mesh/translate"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

var _ ads.Plane = (*Plane)(nil)

// Server hands resources to sidecars.
type Server interface {
	// Set replaces the resources of a sidecar.
	Set(node string, r *xds.Resources) error
	// Forget drops a sidecar.
	Forget(node string)
}

// Config is what a Plane depends on.
type Config struct {
	// Objects are watched.
	Objects interface {
		Watch(ctx context.Context, kinds ...string) <-chan store.Snapshot
	}
	Observer orchestrator.Observer
	// Issuers fetches the keys of those who issue tokens; nil: they are not fetched.
	Issuers *http.Client
	Server  Server
	Now     func() time.Time
	// Report receives an error that no sidecar can do anything about.
	Report func(error)
}

// Status is how far a sidecar has followed the control plane.
type Status struct {
	Node
	// Version is that of its resources, and Acked the one that it has in force; empty if none yet.
	Version, Acked string
	// Refused is why it refused the newest resources; empty if it did not.
	Refused string
	// Since is when Version was made.
	Since time.Time
	// Connected: it has a stream to the control plane.
	Connected bool
}

// InSync reports whether the newest resources are in force.
func (s Status) InSync() bool { return s.Acked == s.Version && s.Version != "" }

// Plane keeps the resources of all sidecars. It is safe for concurrent use.
type Plane struct {
	cfg Config

	mu       sync.Mutex
	sidecars map[string]*sidecar
	// revision of the objects that the resources include.
	revision uint64
	inputs   inputs
	maker    *maker // nil before the first state of the shop
	objects  store.Snapshot
	current  orchestrator.Snapshot
	faults   []Fault
	overlays []resource.Object
	changed  chan struct{}
	keys     *jwks.Cache // nil: none are fetched
}

// inputs are what the mesh is made of besides the objects.
type inputs struct {
	endpoints []orchestrator.Endpoint
	protocols map[orchestrator.Key]string
	faults    []Fault
	keys      map[string]translate.FetchedKeys
}

type sidecar struct {
	Status
	token     [sha256.Size]byte
	resources *xds.Resources
	// shown are the resources without private keys.
	shown *xds.Resources
}

// New returns a control plane without sidecars.
func New(cfg Config) *Plane {
	p := &Plane{cfg: cfg, sidecars: map[string]*sidecar{}, changed: make(chan struct{})}
	if cfg.Issuers != nil {
		p.keys = jwks.New(cfg.Issuers, p.again)
	}
	return p
}

// Register adds the sidecar of a pod, or replaces the token of one that starts again. The token proves to the control
// plane which sidecar it is.
func (p *Plane) Register(node Node) (token string) {
	token = rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sidecars[node.ID]
	if s == nil {
		s = &sidecar{}
		p.sidecars[node.ID] = s
	}
	s.Node, s.token, s.Acked, s.Refused = node, sha256.Sum256([]byte(token)), "", ""
	p.update(s)
	p.notify()
	return token
}

// Authenticate returns the sidecar that has a token.
func (p *Plane) Authenticate(token string) (ads.Caller, bool) {
	hash := sha256.Sum256([]byte(token))
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sidecars {
		if subtle.ConstantTimeCompare(hash[:], s.token[:]) == 1 {
			return ads.Caller{Node: s.ID, Identity: s.Identity()}, true
		}
	}
	return ads.Caller{}, false
}

// Run follows the objects and the endpoints until ctx ends.
func (p *Plane) Run(ctx context.Context) {
	if p.keys != nil {
		var fetching sync.WaitGroup
		fetching.Go(func() { p.keys.Run(ctx) })
		defer fetching.Wait()
	}
	objects := p.cfg.Objects.Watch(ctx)
	var latest store.Snapshot
	have := false
	for {
		snapshot, newer := p.cfg.Observer.Snapshot()
		if have {
			p.follow(latest, snapshot)
		}
		select {
		case s, ok := <-objects:
			if !ok {
				return
			}
			latest, have = s, true
		case <-newer:
		case <-ctx.Done():
			return
		}
	}
}

// follow makes the resources of all sidecars for a state of the shop.
func (p *Plane) follow(objects store.Snapshot, snapshot orchestrator.Snapshot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.objects, p.current = objects, snapshot
	p.refresh()
}

// refresh makes the resources of all sidecars, and drops those whose pods are gone. p.mu is held.
func (p *Plane) refresh() {
	objects, snapshot := p.objects, p.current
	protocols := map[orchestrator.Key]string{}
	pods := map[string]bool{}
	for _, w := range snapshot.Workloads {
		for _, front := range w.Fronts {
			protocols[orchestrator.Key{Namespace: w.Namespace, Name: front.Service}] = cmp.Or(front.Protocol, w.Protocol)
		}
		for _, i := range w.Instances {
			pods[NodeID(w.Namespace, i.Name)] = true
		}
	}
	changed := p.remake(objects, inputs{snapshot.Endpoints, protocols, p.faults, p.fetched()})
	for id, s := range p.sidecars {
		if !pods[id] && s.Acked != "" && !s.Connected {
			delete(p.sidecars, id)
			p.cfg.Server.Forget(id)
			continue
		}
		if changed {
			p.update(s)
		}
	}
	p.notify()
}

// remake makes the mesh of its inputs, and reports false if they are those that it was made of.
func (p *Plane) remake(objects store.Snapshot, in inputs) bool {
	if p.maker != nil && p.revision == objects.Revision() && reflect.DeepEqual(p.inputs, in) {
		return false
	}
	mesh := Mesh(objects, in.endpoints, in.protocols)
	mesh.Keys = in.keys
	if p.keys != nil {
		p.keys.Want(mesh.JWKSURIs())
	}
	var err error
	if p.overlays, err = overlaid(mesh, objects, in.faults); err != nil {
		p.cfg.Report(err)
	}
	p.maker, p.inputs, p.revision = newMaker(mesh, p.maker), in, objects.Revision()
	return true
}

// update makes the resources of a sidecar. Those that are the same are not sent again.
func (p *Plane) update(s *sidecar) {
	if p.maker == nil {
		return
	}
	r := p.maker.resources(s.Node, AppPorts(p.maker.mesh, p.inputs.endpoints, s.Namespace, s.Pod))
	if s.resources != nil && s.resources.Version == r.Version {
		return
	}
	if err := p.cfg.Server.Set(s.ID, r); err != nil {
		p.cfg.Report(err)
		return
	}
	s.resources, s.shown, s.Version, s.Since, s.Refused = r, r, r.Version, p.cfg.Now(), ""
	if s.Gateway {
		s.shown = withoutKeys(r)
	}
}

// notify wakes those who wait for a change.
func (p *Plane) notify() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// Acked notes that a sidecar has a version in force, or why it refused it.
func (p *Plane) Acked(node, version, refused string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sidecars[node]
	if s == nil {
		return
	}
	if refused == "" {
		s.Acked = version
	}
	s.Refused = refused
	p.notify()
}

// Connected notes whether a sidecar has a stream.
func (p *Plane) Connected(node string, is bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.sidecars[node]; s != nil {
		s.Connected = is
		p.notify()
	}
}

// Status returns all sidecars, by their IDs.
func (p *Plane) Status() []Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []Status
	for _, s := range p.sidecars {
		all = append(all, s.Status)
	}
	slices.SortFunc(all, func(a, b Status) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// Resources are the newest of a sidecar, without private keys; nil if there is no such. They must not be changed.
func (p *Plane) Resources(node string) *xds.Resources {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.sidecars[node]; s != nil {
		return s.shown
	}
	return nil
}

// Changed returns a channel that is closed at the next change of what Status returns.
func (p *Plane) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// WaitInForce waits until every connected sidecar has the objects of a revision in force, and returns those that do not
// when ctx ends, or when all of those have refused them.
func (p *Plane) WaitInForce(ctx context.Context, revision uint64) ([]Status, error) {
	for {
		p.mu.Lock()
		var behind []Status
		reached, changed, refused := p.revision >= revision, p.changed, 0
		for _, s := range p.sidecars {
			if s.Connected && (!reached || !s.InSync()) {
				behind = append(behind, s.Status)
				if s.Refused != "" {
					refused++
				}
			}
		}
		p.mu.Unlock()
		if reached && len(behind) == refused {
			return behind, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return behind, context.Cause(ctx)
		}
	}
}
