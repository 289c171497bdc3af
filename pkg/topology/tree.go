package topology

import (
	"cmp"
	"slices"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// branch is one line of a map as a tree: a call, and below it the callee's own calls. A service that
// several call has its own calls below the first of them alone.
type branch struct {
	edge *controlpb.MapEdge // nil for a root
	name string
	// again tells that the calls of name stand elsewhere, cycle that they stand above this very line.
	again, cycle bool
	below        []*branch
}

// forest lays a map out as trees from those whom nobody calls.
type forest struct {
	out   map[string][]*controlpb.MapEdge
	shown map[string]bool
}

// grow makes the trees, and names the services that neither call nor are called.
func grow(m *controlpb.GetMapResponse) (roots []*branch, alone []string) {
	f := forest{out: map[string][]*controlpb.MapEdge{}, shown: map[string]bool{}}
	called, linked := map[string]bool{}, map[string]bool{}
	for _, e := range m.GetEdges() {
		f.out[e.GetCaller()] = append(f.out[e.GetCaller()], e)
		if e.GetCaller() != e.GetCallee() {
			called[e.GetCallee()] = true
		}
		linked[e.GetCaller()], linked[e.GetCallee()] = true, true
	}
	for _, edges := range f.out {
		slices.SortFunc(edges, func(a, b *controlpb.MapEdge) int { return cmp.Compare(a.GetCallee(), b.GetCallee()) })
	}
	names := namesOf(m)
	for _, name := range names {
		switch {
		case !linked[name]:
			alone = append(alone, name)
		case !called[name]:
			roots = append(roots, f.root(name))
		}
	}
	for _, name := range names { // what only a circle of calls leads to
		if linked[name] && !f.shown[name] {
			roots = append(roots, f.root(name))
		}
	}
	return roots, alone
}

// namesOf are all names in a map: users first, then by the alphabet.
func namesOf(m *controlpb.GetMapResponse) []string {
	var names []string
	for _, n := range m.GetNodes() {
		names = append(names, n.GetService())
	}
	for _, e := range m.GetEdges() {
		names = append(names, e.GetCaller(), e.GetCallee())
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(-compareBool(a == user, b == user), cmp.Compare(a, b))
	})
	return slices.Compact(names)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func (f forest) root(name string) *branch {
	b := &branch{name: name}
	f.fill(b, []string{name})
	return b
}

// fill hangs the calls of a branch's service below it. path are the services from the root down to it.
func (f forest) fill(b *branch, path []string) {
	f.shown[b.name] = true
	for _, e := range f.out[b.name] {
		next := &branch{edge: e, name: e.GetCallee()}
		b.below = append(b.below, next)
		switch {
		case slices.Contains(path, next.name):
			next.cycle = true
		case f.shown[next.name]:
			next.again = len(f.out[next.name]) > 0
		default:
			f.fill(next, append(slices.Clip(path), next.name))
		}
	}
}
