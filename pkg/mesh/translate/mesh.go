package translate

import (
	"cmp"
	"slices"
	"strings"
	"time"

	networking "istio.io/api/networking/v1alpha3"
)

// Mesh is all that is translated. It is not changed.
type Mesh struct {
	// Domain ends the full names of services, and TrustDomain begins the identities of workloads: "cluster.local".
	Domain, TrustDomain string
	// RootNamespace has the objects that hold for all namespaces.
	RootNamespace string
	Services      []Service

	Gateways               []Gateway
	VirtualServices        []VirtualService
	DestinationRules       []DestinationRule
	PeerAuthentications    []PeerAuthentication
	AuthorizationPolicies  []AuthorizationPolicy
	RequestAuthentications []RequestAuthentication
	// Keys are those of issuers, by the jwksUri of their rules.
	Keys map[string]FetchedKeys
	// Credentials are those of gateways, by the Secret, "NAMESPACE/NAME".
	Credentials map[string]Credential
	// Inbound are rules for requests that come in, which no object of Istio has.
	Inbound []Inbound
}

// Inbound are rules for the requests that come in to workloads. Of a rule, its match and its fault count.
type Inbound struct {
	Namespace string
	// Labels that the workloads have.
	Labels map[string]string
	HTTP   []*networking.HTTPRoute
}

// Service is a service of the mesh.
type Service struct {
	Name, Namespace string
	// VIP is its address.
	VIP string
	// Selector finds its workloads; only that of a gateway's Service is needed.
	Selector  map[string]string
	Ports     []Port
	Endpoints []Endpoint
}

// Port is a port of a service.
type Port struct {
	Number, TargetPort uint32
	Protocol           Protocol
}

// Protocol is what a port serves.
type Protocol int

// Protocols. An HTTP port serves HTTP/1.1.
const (
	TCP Protocol = iota
	HTTP
	HTTP2
	GRPC
)

// http2 reports whether calls are sent as HTTP/2.
func (p Protocol) http2() bool { return p == HTTP2 || p == GRPC }

// Endpoint is an instance of a service.
type Endpoint struct {
	Address string
	// Pod is its name, and Workload that of what it is of.
	Pod, Workload string
	// Ports are those at which it is reached in place of its target ports. The others are reached at their own.
	Ports          map[uint32]uint32
	Labels         map[string]string
	ServiceAccount string
	// Sidecar: it has one, which takes mutual TLS.
	Sidecar bool
}

// Meta identifies an object.
type Meta struct {
	Name, Namespace string
	Created         time.Time
}

// older orders objects as Istio does: of two that conflict, the older one holds.
func (m Meta) older(o Meta) int {
	return cmp.Or(m.Created.Compare(o.Created), strings.Compare(m.Name, o.Name), strings.Compare(m.Namespace, o.Namespace))
}

// Credential is what a gateway shows callers, and by which it knows them, as PEM. CA is empty where callers show nothing.
type Credential struct {
	Certificate, Key, CA []byte
}

// Gateway is what comes in from outside: by which ports, for which hosts.
type Gateway struct {
	Meta
	Spec *networking.Gateway
}

// VirtualService routes requests.
type VirtualService struct {
	Meta
	Spec *networking.VirtualService
	// Parts name what each of its rules is of; nil: the rule itself, "spec.http[0]".
	Parts []string
}

// DestinationRule has the policies of calls to a service.
type DestinationRule struct {
	Meta
	Spec *networking.DestinationRule
}

// Proxy is the sidecar of a workload.
type Proxy struct {
	Namespace string
	Labels    map[string]string
}

// FullName is the name of a service with its namespace and domain.
func (m *Mesh) FullName(s *Service) string { return m.host(s) }

// port is where a target port is reached.
func (e Endpoint) port(target uint32) uint32 {
	if port, ok := e.Ports[target]; ok {
		return port
	}
	return target
}

// host is the full name of a service.
func (m *Mesh) host(s *Service) string { return m.fullName(s.Name, s.Namespace) }

// fullName is the full name that a host in an object means. A name with a dot is a full name already.
func (m *Mesh) fullName(host, namespace string) string {
	host = strings.ToLower(host)
	if host == "" || strings.ContainsAny(host, ".*") {
		return host
	}
	return host + "." + namespace + ".svc." + m.Domain
}

// service finds a service by its full name; nil if there is none.
func (m *Mesh) service(host string) *Service {
	for i := range m.Services {
		if s := &m.Services[i]; m.host(s) == host {
			return s
		}
	}
	return nil
}

// hostMatch is how well a host of an object fits a name: the number of its characters, 0 if it does not fit. A full
// name fits better than any with a wildcard.
func hostMatch(pattern, host string) int {
	suffix, wild := strings.CutPrefix(pattern, "*")
	switch {
	case pattern == host:
		return len(host) + 1
	case wild && strings.HasSuffix(host, suffix):
		return len(pattern)
	}
	return 0
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

// sortedOldest returns a copy, the oldest first.
func sortedOldest[T any](all []T, meta func(T) Meta) []T {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b T) int { return meta(a).older(meta(b)) })
	return sorted
}
