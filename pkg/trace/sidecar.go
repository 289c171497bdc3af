package trace

import (
	"strconv"
	"strings"
)

// Sidecar is what the span of a proxy says of the request that went through it.
type Sidecar struct {
	// Node is the proxy's id; its first part is sidecar or router.
	Node string
	// Flags are the response flags, comma-separated, "-" for none; Details why it responded so.
	Flags, Details string
	// Cluster was chosen, and Host of its endpoints.
	Cluster, Host string
	// Route is the name of the route, Config the path of the object that the route is of, and Rule the part of that object.
	Route, Config, Rule string
	// Match is the part that the request fits, of that object.
	Match string
	// Policy is the rule that let the request in, Shadow the one in a dry run that would not have.
	Policy, Shadow string
	Method, Path   string
	Authority      string
	// Status is that of HTTP, GRPC that of gRPC by name; empty if there is none.
	Status, GRPC string
	// Attempts counts the first one; 0 if that is not said.
	Attempts  int
	RequestID string
	// Security is mutual_tls or none, Principal who the other end is by its certificate.
	Security, Principal string
}

// Describe takes from an attribute what it says, by Envoy's name for it or by OpenTelemetry's.
func (s *Sidecar) Describe(key, value string) {
	if field := s.field(key); field != nil {
		*field = value
		return
	}
	switch key {
	case "attempts", "upstream_request_attempt_count":
		s.Attempts, _ = strconv.Atoi(value) // 0 for what is not a number
	case "url.path", "http.target":
		s.Path = value
	case "http.url", "url.full":
		if s.Path == "" {
			s.Path = pathOf(value)
		}
	}
}

func (s *Sidecar) field(key string) *string {
	switch key {
	case nodeKey:
		return &s.Node
	case flagsKey:
		return &s.Flags
	case "response_code_details":
		return &s.Details
	case "upstream_cluster", "upstream_cluster.name":
		return &s.Cluster
	case "upstream_host", "upstream_address":
		return &s.Host
	case "route_name":
		return &s.Route
	case "istio.config":
		return &s.Config
	case "istio.rule":
		return &s.Rule
	case "istio.match":
		return &s.Match
	case "enforced_effective_policy_id":
		return &s.Policy
	case "shadow_effective_policy_id":
		return &s.Shadow
	case "http.method", "http.request.method":
		return &s.Method
	case "authority", "http.host":
		return &s.Authority
	case "http.status_code", "http.response.status_code":
		return &s.Status
	case "rpc.response.status_code", "grpc.status":
		return &s.GRPC
	case "guid:x-request-id", "request_id":
		return &s.RequestID
	case "connection_security_policy":
		return &s.Security
	case "peer.principal", "source_principal":
		return &s.Principal
	}
	return nil
}

// pathOf is the path of a URL.
func pathOf(url string) string {
	if _, rest, ok := strings.Cut(url, "://"); ok {
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			return rest[i:]
		}
		return "/"
	}
	return url
}

// Sidecar reads the attributes of a proxy's span.
func (s *Span) Sidecar() Sidecar {
	var out Sidecar
	for _, a := range s.Attributes {
		out.Describe(a.Key, a.Value)
	}
	return out
}
