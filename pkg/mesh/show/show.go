// Package show says what a sidecar holds in rows of words, as "istioctl proxy-config" does of an Envoy. Its functions are
// pure: what is only known while a sidecar runs comes in as Live.
package show

import (
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/protobuf/proto"
)

// Object names the object that a resource is of; the zero Object is none.
type Object struct{ Kind, Namespace, Name string }

// String is "NAME.NAMESPACE", as istioctl writes it; empty for none.
func (o Object) String() string {
	if o.Name == "" {
		return ""
	}
	return o.Name + "." + o.Namespace
}

// Live is what is known of a sidecar beyond its configuration. All of it may be empty.
type Live struct {
	// Addresses are where its listeners listen, by their names.
	Addresses map[string]string
	// Ejected are the endpoints that it does not call for now: by cluster, then by address.
	Ejected map[string]map[string]Ejection
	// Measured is what it measures of its circuit breakers: by cluster, then by Envoy's names
	// ("envoy_cluster_upstream_rq_pending_overflow").
	Measured map[string]map[string]float64
	// Instances are the names of the instances that listen at addresses.
	Instances map[string]string
}

// Breakers are the circuit breakers of a cluster: those with a limit, and what they did not let through, by Envoy's names
// ("upstream_rq_pending_overflow").
type Breakers struct {
	Limits    []Breaker
	Overflows map[string]int64
}

// Breaker is one, by the name of its limit ("connections", "pending", "requests", "retries"), and how full it is.
type Breaker struct {
	Name          string
	Active, Limit int64
}

// Ejection is why an endpoint is ejected, since when, and until when at least. The zero value: it is not.
type Ejection struct {
	Reason       string
	Since, Until time.Time
}

// Listener is a row about where a sidecar accepts connections: a listener, or one of its filter chains.
type Listener struct {
	Name, Direction, Address, Match, Destination string
	// Resource is Envoy's, in the first row of each; nil in the others.
	Resource proto.Message
}

// Route is a row about one route.
type Route struct {
	// Name is that of the route configuration.
	Name, VirtualHost string
	Domains           []string
	Match, Target     string
	Policy            string
	// Rule is the name of the rule in the object.
	Rule   string
	Object Object
	// Part of the object that it is of: "spec.http[0]".
	Part     string
	Resource proto.Message
}

// Cluster is a row about a group of endpoints.
type Cluster struct {
	Name, Host, Port, Subset, Direction, Type string
	Endpoints, Ejected                        int
	Policy                                    string
	Breakers                                  Breakers
	Object                                    Object
	Resource                                  proto.Message
}

// Endpoint is a row about one endpoint of a cluster.
type Endpoint struct {
	Address, Status, Outlier, Cluster, Instance, Security string
	Ejection                                              Ejection
	Resource                                              proto.Message
}

// Directions of listeners and clusters.
const (
	Outbound = "outbound"
	Inbound  = "inbound"
)

// direction is that of a cluster or a listener, by its name.
func direction(name string) string {
	if strings.HasPrefix(name, Inbound+"|") || strings.HasPrefix(name, Inbound+"_") || name == "virtualInbound" {
		return Inbound
	}
	return Outbound
}

// SplitCluster takes the name of a cluster apart: "outbound|50051|v1|paymentservice.production.svc.cluster.local". What is
// not named so is a host alone.
func SplitCluster(name string) (port, subset, host string) {
	if parts := strings.Split(name, "|"); len(parts) == 4 {
		return parts[1], parts[2], parts[3]
	}
	return "", "", name
}

// ShortCluster names a cluster in the words of its object: the first part of its host, the port and the subset.
func ShortCluster(name string) string {
	port, subset, host := SplitCluster(name)
	short, _, _ := strings.Cut(host, ".")
	if short == "" {
		return "the program's port " + port
	}
	if port != "" {
		short += ":" + port
	}
	if subset != "" {
		short += " subset " + subset
	}
	return short
}

// ObjectOf is the object that the metadata of a resource names, as istiod writes it there:
// "/apis/networking.istio.io/v1/namespaces/NAMESPACE/virtual-service/NAME".
func ObjectOf(m *corev3.Metadata) Object {
	return ParseConfig(OriginOf(m, "config"))
}

// RuleOf is the part of that object that a resource is of, "spec.http[0]"; empty where the metadata do not say it.
func RuleOf(m *corev3.Metadata) string { return OriginOf(m, "rule") }

// OriginOf is what the metadata of a resource say of its object under a key; empty where they do not.
func OriginOf(m *corev3.Metadata, key string) string {
	return m.GetFilterMetadata()["istio"].GetFields()[key].GetStringValue()
}

// ParseConfig reads the path by which istiod names an object.
func ParseConfig(path string) Object {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if len(parts) != 7 || parts[0] != "apis" || parts[3] != "namespaces" {
		return Object{}
	}
	kind := ""
	for word := range strings.SplitSeq(parts[5], "-") {
		if word != "" {
			kind += strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return Object{Kind: kind, Namespace: parts[4], Name: parts[6]}
}
