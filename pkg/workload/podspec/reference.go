package podspec

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/shopctl/shopctl/pkg/lazyregexp"
	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// addressForm matches values that are taken for a Service's address:
// [scheme://]host[:port][/path].
var addressForm = lazyregexp.New(`^([a-z][a-z0-9+.-]*://)?([a-z0-9]([a-z0-9.-]*[a-z0-9])?)(:[0-9]{1,5})?(/[^\s]*)?$`)

// serviceAddr is the parsed part of a value that names a Service.
type serviceAddr struct {
	scheme, path string
	service      orchestrator.Key
	port         int32
}

// parseServiceAddr takes a value of the form [scheme://]SERVICE[.NS[.svc[.cluster.local]]]:PORT[/path]
// apart. Without a port the scheme must be http, whose port is 80.
func parseServiceAddr(value, namespace string) (serviceAddr, bool) {
	m := addressForm().FindStringSubmatch(value)
	if m == nil {
		return serviceAddr{}, false
	}
	a := serviceAddr{scheme: m[1], path: m[5], service: orchestrator.Key{Namespace: namespace}}
	switch {
	case m[4] != "":
		port, err := strconv.ParseUint(m[4][1:], 10, 16)
		if err != nil {
			return serviceAddr{}, false
		}
		a.port = int32(port)
	case a.scheme == "http://":
		a.port = 80
	default:
		return serviceAddr{}, false
	}
	host := strings.TrimSuffix(m[2], ".cluster.local")
	labels := strings.Split(host, ".")
	if len(labels) == 3 && labels[2] == "svc" {
		labels = labels[:2]
	}
	switch len(labels) {
	case 1:
	case 2:
		a.service.Namespace = labels[1]
	default:
		return serviceAddr{}, false
	}
	a.service.Name = labels[0]
	return a, true
}

// rewrite replaces the Service in a value by a placeholder for its address. warning is about a Service that does not
// have that port.
func (r *Resolver) rewrite(value, namespace string) (rewritten string, ref *Reference, warning string) {
	a, ok := parseServiceAddr(value, namespace)
	if !ok {
		return value, nil, ""
	}
	if wanted := (Reference{a.service, a.port}); r.Ports[wanted] {
		return a.scheme + wanted.mark() + a.path, &wanted, ""
	}
	for known := range r.Ports {
		if known.Service == a.service {
			return value, nil, fmt.Sprintf("service %s has no port %d, but %d", a.service.Name, a.port, known.Port)
		}
	}
	return value, nil, ""
}
