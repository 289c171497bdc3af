package topology

import (
	"cmp"
	"slices"
)

// branch is one line of a map as a tree: a call, and below it the callee's own calls. A service with
// several callers has its own calls only below the first of them.
type branch struct {
	edge *Edge // nil for a root
	name string
	// again: the calls of name are shown elsewhere. cycle: they are shown above this line.
	again, cycle bool
	below        []*branch
}

// forest lays a map out as trees, from the services without callers.
type forest struct {
	out   map[string][]Edge
	shown map[string]bool
}

// grow makes the trees, and names the services that neither call nor are called.
func grow(m Map) (roots []*branch, alone []string) {
	f := forest{out: map[string][]Edge{}, shown: map[string]bool{}}
	called, linked := map[string]bool{}, map[string]bool{}
	for _, e := range m.Edges {
		f.out[e.Caller] = append(f.out[e.Caller], e)
		if e.Caller != e.Callee {
			called[e.Callee] = true
		}
		linked[e.Caller], linked[e.Callee] = true, true
	}
	for _, edges := range f.out {
		slices.SortFunc(edges, func(a, b Edge) int {
			return cmp.Or(compareBool(a.Traffic.Requests == 0, b.Traffic.Requests == 0), cmp.Compare(a.Callee, b.Callee), compareBool(a.Asynchronous, b.Asynchronous))
		})
	}
	names := namesOf(m)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(f.requests(b), f.requests(a)) })
	for _, name := range names {
		switch {
		case !linked[name]:
			alone = append(alone, name)
		case !called[name]:
			roots = append(roots, f.root(name))
		}
	}
	for _, name := range names { // only reached by a cycle of calls
		if linked[name] && !f.shown[name] {
			roots = append(roots, f.root(name))
		}
	}
	return roots, alone
}

// requests is how many a service makes: the busiest tree comes first.
func (f forest) requests(name string) (n int64) {
	for _, e := range f.out[name] {
		n += e.Traffic.Requests
	}
	return n
}

// namesOf are all names in a map: users first, then alphabetically.
func namesOf(m Map) []string {
	var names []string
	for _, n := range m.Nodes {
		names = append(names, n.Service)
	}
	for _, e := range m.Edges {
		names = append(names, e.Caller, e.Callee)
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
	for i, e := range f.out[b.name] {
		next := &branch{edge: &f.out[b.name][i], name: e.Callee}
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
