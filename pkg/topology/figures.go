package topology

import (
	"cmp"
	"slices"
	"time"

	"github.com/shopctl/shopctl/pkg/observe/servicegraph"
)

// orderOperations are the requests by which people order: at the storefront, and by a call.
var orderOperations = [...]string{"POST /cart/checkout", "hipstershop.CheckoutService/PlaceOrder"}

// figures finds things in a snapshot.
type figures struct {
	servicegraph.Snapshot
	nodes map[string]servicegraph.Traffic
	edges map[[2]string]servicegraph.Traffic
	// callees are the services that have callers.
	callees map[string]bool
}

func figuresOf(s servicegraph.Snapshot) figures {
	f := figures{s, map[string]servicegraph.Traffic{}, map[[2]string]servicegraph.Traffic{}, map[string]bool{}}
	callers := map[string]int{}
	for _, e := range s.Edges {
		f.edges[[2]string{e.Caller, e.Callee}] = e.Traffic
		f.callees[e.Callee] = true
		callers[e.Callee]++
	}
	for _, n := range s.Nodes {
		f.nodes[n.Service] = n.Traffic
	}
	for _, e := range s.Edges {
		// A service that sends no spans is as its caller sees it; quantiles of several callers cannot be added.
		if _, known := f.nodes[e.Callee]; !known && callers[e.Callee] == 1 {
			f.nodes[e.Callee] = e.Traffic
		}
	}
	return f
}

func (f figures) node(service string) servicegraph.Traffic { return f.nodes[service] }

func (f figures) edge(caller, callee string) servicegraph.Traffic {
	return f.edges[[2]string{caller, callee}]
}

// into are the edges into a service, the busiest first.
func (f figures) into(service string) []servicegraph.Edge {
	var all []servicegraph.Edge
	for _, e := range f.Edges {
		if e.Callee == service {
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b servicegraph.Edge) int { return cmp.Compare(b.Requests, a.Requests) })
	return all
}

// outside reports whether a caller is not called itself: users, and the load generator.
func (f figures) outside(caller string) bool { return !f.callees[caller] }

// requests is how many there were at all.
func (f figures) requests() (n int64) {
	for _, e := range f.Edges {
		n += e.Requests
	}
	return n
}

// called is how many calls to a service there were, as its callers saw them.
func (f figures) called(service string) (n int64) {
	for _, e := range f.into(service) {
		n += e.Requests
	}
	return n
}

// entry is the service in front of the shop: the one that takes orders or pages from outside, the
// busiest if there are several; empty if there are no calls from outside.
func (f figures) entry() string {
	var best servicegraph.Edge
	better := func(e servicegraph.Edge) bool {
		a, b := e.Protocol == "http", best.Protocol == "http"
		return best.Callee == "" || a && !b || a == b && e.Requests > best.Requests
	}
	for _, e := range f.Edges {
		if f.outside(e.Caller) && e.Requests > 0 && better(e) {
			best = e
		}
	}
	return best.Callee
}

// split separates orders from all other requests at the entry service.
func (f figures) split(entry string) (orders, pages servicegraph.Traffic) {
	for _, name := range orderOperations {
		for _, o := range f.Operations {
			if o.Service == entry && o.Name == name {
				orders = o.Traffic
			}
		}
	}
	for _, o := range f.Operations {
		if o.Service == entry && !slices.Contains(orderOperations[:], o.Name) {
			pages = add(pages, o.Traffic)
		}
	}
	return orders, pages
}

// add counts two together. Quantiles cannot be added: the sum has each operation's weighed by its
// requests, which is enough to detect a change.
func add(a, b servicegraph.Traffic) servicegraph.Traffic {
	n := a.Requests + b.Requests
	if n == 0 {
		return a
	}
	weigh := func(x, y time.Duration) time.Duration {
		return time.Duration((float64(x)*float64(a.Requests) + float64(y)*float64(b.Requests)) / float64(n))
	}
	sum := servicegraph.Traffic{
		Requests: n, Failed: a.Failed + b.Failed, Over: max(a.Over, b.Over), Busy: a.Busy + b.Busy,
		P50: weigh(a.P50, b.P50), P95: weigh(a.P95, b.P95), P99: weigh(a.P99, b.P99),
	}
	sum.Failures = slices.Clone(a.Failures)
	for _, f := range b.Failures {
		i := slices.IndexFunc(sum.Failures, func(o servicegraph.Failure) bool { return o.Status == f.Status })
		if i < 0 {
			sum.Failures = append(sum.Failures, f)
		} else {
			sum.Failures[i].Count += f.Count
		}
	}
	return sum
}
