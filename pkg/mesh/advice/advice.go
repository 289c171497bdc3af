// Package advice finds what is legal in Istio's objects and does not do what it seems to: a fault without a percentage, a
// host that no Service has, a limit that is never reached. Each finding names its field, what happens, and the change.
package advice

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"

	"github.com/shopctl/shopctl/pkg/suggest"
)

// Domain ends the full names of Services.
const Domain = "cluster.local"

// Issue is a finding about one field of an object.
type Issue struct {
	// Path of the field: "spec.http[0].fault.delay".
	Path, Message string
}

// World is what an object may refer to.
type World struct {
	Services         []Service
	Workloads        []Workload
	VirtualServices  []VirtualService
	DestinationRules []DestinationRule
	Gateways         []Gateway
	Authorizations   []Authorization
	// Accounts are the ServiceAccounts, "NAMESPACE/NAME".
	Accounts []string
	// Secrets are those with a certificate and its key, "NAMESPACE/NAME", and Authorities those with certificates of authorities.
	Secrets, Authorities []string
}

// Authorization is an AuthorizationPolicy.
type Authorization struct {
	Namespace string
	Spec      *security.AuthorizationPolicy
}

// Service is a Service of the shop.
type Service struct {
	Namespace, Name string
	// Selector finds its workloads.
	Selector map[string]string
	// GRPC: it has a port for gRPC, and HTTP2 one for HTTP/2, which gRPC is too.
	GRPC, HTTP2 bool
	Ports       []uint32
}

// Workload is a Deployment.
type Workload struct {
	Namespace, Name string
	// Labels are those of its pods, and Replicas how many it wants.
	Labels   map[string]string
	Replicas int
	// Gateway: it takes requests from outside.
	Gateway bool
}

// VirtualService is another one.
type VirtualService struct {
	Namespace, Name string
	Created         time.Time
	Spec            *networking.VirtualService
}

// DestinationRule is another one, or the same.
type DestinationRule struct {
	Namespace, Name string
	Spec            *networking.DestinationRule
}

// Gateway is another one.
type Gateway struct {
	Namespace, Name string
	Spec            *networking.Gateway
}

// finder collects findings about one object.
type finder struct {
	World
	namespace string
	issues    []Issue
}

func (f *finder) add(path, format string, args ...any) {
	f.issues = append(f.issues, Issue{path, fmt.Sprintf(format, args...)})
}

// fullName is the full name that a host means. A name with a dot is a full name already.
func fullName(host, namespace string) string {
	host = strings.ToLower(host)
	if host == "" || strings.ContainsAny(host, ".*") {
		return host
	}
	return host + "." + namespace + ".svc." + Domain
}

func (s Service) host() string { return fullName(s.Name, s.Namespace) }

// service finds a Service by a host of an object.
func (f *finder) service(host string) (Service, bool) {
	host = fullName(host, f.namespace)
	for _, s := range f.Services {
		if s.host() == host {
			return s, true
		}
	}
	return Service{}, false
}

// host reports a host that no Service has, and returns its Service.
func (f *finder) host(path, host string) (Service, bool) {
	if strings.Contains(host, "*") || host == "" {
		return Service{}, false
	}
	s, ok := f.service(host)
	if ok {
		return s, true
	}
	if first, rest, dotted := strings.Cut(host, "."); dotted {
		if s, ok := f.service(first + "." + rest + ".svc." + Domain); ok {
			f.add(path, "%q has a dot and is taken as a full name, which no Service has; write %s or %s", host, s.Name, s.host())
			return Service{}, false
		}
	}
	f.add(path, "no Service is called %q, so this has no effect%s", host, suggest.Phrase(host, f.serviceNames()))
	return Service{}, false
}

func (f *finder) serviceNames() []string {
	var names []string
	for _, s := range f.Services {
		if s.Namespace == f.namespace {
			names = append(names, s.Name)
		}
	}
	return names
}

// meant is the Service that a host names or, where none has that name, the nearest one: what else is wrong with an object
// is found before its host is corrected.
func (f *finder) meant(host string) Service {
	if s, ok := f.service(host); ok {
		return s
	}
	s, _ := f.service(suggest.Match(host, f.serviceNames()))
	return s
}

// selector reports a selector that no workload of the namespace has, and returns the workloads that have it or, where none
// does, those that were probably meant.
func (f *finder) selector(path string, labels map[string]string) []Workload {
	if found := f.selected(labels); len(found) > 0 || len(labels) == 0 {
		return found
	}
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		var values []string
		for _, w := range f.Workloads {
			if v := w.Labels[key]; v != "" && w.Namespace == f.namespace && !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
		if slices.Contains(values, labels[key]) {
			continue
		}
		if len(values) == 0 {
			f.add(path, "no pods of namespace %s have the label %s, so this has no effect", f.namespace, key)
		} else {
			f.add(path, "no pods of namespace %s have the label %s: %s, so this has no effect%s", f.namespace, key, labels[key],
				suggest.Phrase(labels[key], values))
		}
		if nearest := suggest.Match(labels[key], values); nearest != "" {
			return f.selected(map[string]string{key: nearest})
		}
		return nil
	}
	f.add(path, "no pods of namespace %s have all of these labels, so this has no effect", f.namespace)
	return nil
}

// selected are the workloads of the namespace that have labels.
func (f *finder) selected(labels map[string]string) []Workload {
	var found []Workload
	for _, w := range f.Workloads {
		if w.Namespace == f.namespace && includes(w.Labels, labels) {
			found = append(found, w)
		}
	}
	return found
}

// includes reports whether labels have all of a selector's.
func includes(labels, selector map[string]string) bool {
	for key, value := range selector {
		if is, ok := labels[key]; !ok || is != value {
			return false
		}
	}
	return true
}

// behind are the workloads that a Service selects.
func (f *finder) behind(s Service) []Workload {
	var found []Workload
	for _, w := range f.Workloads {
		if w.Namespace == s.Namespace && len(s.Selector) > 0 && includes(w.Labels, s.Selector) {
			found = append(found, w)
		}
	}
	return found
}
