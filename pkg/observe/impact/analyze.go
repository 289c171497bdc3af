package impact

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/trace"
)

// Namer knows the services by their spans.
type Namer struct {
	// Name maps a service.name to the name that people type.
	Name func(service string) string
	// Resolve is the service.name of what listens at an address; empty if that is not known.
	Resolve func(peer string) string
}

// orderOperations are the requests by which people order: at the storefront, and by a call.
var orderOperations = [...]string{"POST /cart/checkout", "hipstershop.CheckoutService/PlaceOrder"}

// frontend is the service with pages.
const frontend = "frontend"

// kindOf is what a request was for, by the first span that served it.
func kindOf(service string, s *trace.Span) Kind {
	switch {
	case slices.Contains(orderOperations[:], s.Name):
		return Orders
	case s.Protocol != "http":
		return Kind("calls to " + service)
	case service != frontend:
		return Kind("requests to " + service)
	}
	_, path, _ := strings.Cut(s.Name, " ")
	switch {
	case strings.HasPrefix(path, "/api/"):
		return API
	case strings.HasPrefix(path, "/static/"), strings.HasPrefix(path, "/product-meta/"), path == "/favicon.ico", path == "/robots.txt", strings.HasSuffix(path, "healthz"):
		return none
	}
	return Pages
}

// Requests are the requests in a trace, with what each of the faults did to them.
func (n Namer) Requests(t *trace.Trace, faults []Fault, came time.Time) []Request {
	var all []Request
	for _, entry := range entries(t) {
		service := n.Name(entry.Service)
		r := Request{Came: came, Kind: kindOf(service, entry), Service: service, Took: entry.Duration(), Failed: failed(entry)}
		spans := below(entry)
		for _, s := range spans {
			if s.Kind == trace.Server {
				r.Served = append(r.Served, Served{n.Name(s.Service), s.Duration(), failed(s)})
			}
		}
		for _, f := range faults {
			if entry.End.Before(f.Began) {
				continue
			}
			w := walk{Namer: n, fault: f, entry: entry, onPath: entry == t.Root() || slices.Contains(t.Root().Children, entry), reached: map[*trace.Span]bool{}}
			w.out.Fault = f.ID
			for _, s := range spans {
				w.visit(s)
			}
			r.Outcomes = append(r.Outcomes, w.out)
		}
		all = append(all, r)
	}
	return all
}

// entries are the spans that served what came from outside: the roots, and what was called by a root that is a client.
func entries(t *trace.Trace) (list []*trace.Span) {
	for _, root := range t.Roots {
		switch root.Kind {
		case trace.Server:
			list = append(list, root)
		case trace.Client:
			for _, child := range root.Children {
				if child.Kind == trace.Server {
					list = append(list, child)
				}
			}
		}
	}
	return list
}

// below are a span and those below it, each before its children.
func below(s *trace.Span) []*trace.Span {
	list := []*trace.Span{s}
	for i := 0; i < len(list); i++ {
		list = append(list, list[i].Children...)
	}
	return list
}

// failed reports whether a call failed. By OpenTelemetry's conventions, a server's span has no error where the caller is
// to blame; to the caller it is one all the same.
func failed(s *trace.Span) bool {
	if s.Error {
		return true
	}
	if number, err := strconv.Atoi(s.Code); err == nil {
		return number >= 400
	}
	return s.Code != "" && s.Code != "OK"
}

// timedOut reports whether a call failed as it took too long.
func timedOut(s *trace.Span) bool {
	switch s.Code {
	case "DEADLINE_EXCEEDED", "CANCELLED", "504", "499", "408":
		return true
	}
	return false
}

// marked reports whether a fault was injected into a span.
func marked(s *trace.Span, id string) bool {
	for one := range strings.SplitSeq(s.Fault, ",") {
		if one == id {
			return true
		}
	}
	return false
}

// callee is the service that a client's span calls.
func (n Namer) callee(s *trace.Span) string {
	for _, child := range s.Children {
		if child.Kind == trace.Server {
			return n.Name(child.Service)
		}
	}
	addr := s.Peer
	if s.Port != "" {
		addr += ":" + s.Port
	}
	if service := n.Resolve(addr); service != "" {
		return n.Name(service)
	}
	return ""
}
