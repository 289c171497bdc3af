package show

import (
	"math"
	"strings"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// liveKey is where the metadata of a resource say what only the running sidecar knows. So the resource stays one of Envoy's.
const liveKey = "shopctl"

// limits are those of a cluster's circuit breakers, with their names.
type limit struct {
	name string
	n    uint32
}

// limitsOf are the limits that an object has set.
func limitsOf(c *clusterv3.Cluster) []limit {
	var all []limit
	for _, t := range c.GetCircuitBreakers().GetThresholds() {
		for _, l := range []struct {
			limit
			set bool
		}{
			{limit{"connections", t.GetMaxConnections().GetValue()}, t.GetMaxConnections() != nil},
			{limit{"pending", t.GetMaxPendingRequests().GetValue()}, t.GetMaxPendingRequests() != nil},
			{limit{"requests", t.GetMaxRequests().GetValue()}, t.GetMaxRequests() != nil},
			{limit{"retries", t.GetMaxRetries().GetValue()}, t.GetMaxRetries() != nil},
		} {
			if l.set && l.n != math.MaxUint32 {
				all = append(all, l.limit)
			}
		}
	}
	return all
}

// remainingOf are the breakers by the last word of the measurement that says how much room they have.
var remainingOf = map[string]string{"cx": "connections", "pending": "pending", "rq": "requests", "retries": "retries"}

// breakersOf are the circuit breakers of a cluster that it has now, by what its sidecar measures under Envoy's names. Without
// measurements it has limits, and nothing is known of how full they are.
func breakersOf(c *clusterv3.Cluster, measured map[string]float64) Breakers {
	var b Breakers
	free := map[string]float64{}
	for name, n := range measured {
		if word, ok := strings.CutPrefix(name, "envoy_cluster_circuit_breakers_default_remaining_"); ok {
			free[remainingOf[word]] = n
		} else if n > 0 {
			if b.Overflows == nil {
				b.Overflows = map[string]int64{}
			}
			b.Overflows[strings.TrimPrefix(name, "envoy_cluster_")] = int64(n)
		}
	}
	for _, l := range limitsOf(c) {
		if room, ok := free[l.name]; ok {
			b.Limits = append(b.Limits, Breaker{Name: l.name, Active: int64(l.n) - int64(room), Limit: int64(l.n)})
		}
	}
	return b
}

// withBreakers is a cluster whose metadata say how full its breakers are.
func withBreakers(c *clusterv3.Cluster, b Breakers) proto.Message {
	if len(b.Limits) == 0 {
		return c
	}
	limits, overflows := map[string]any{}, map[string]any{}
	for _, one := range b.Limits {
		limits[one.Name] = map[string]any{"active": float64(one.Active), "limit": float64(one.Limit), "full": one.Active >= one.Limit}
	}
	for name, n := range b.Overflows {
		overflows[name] = float64(n)
	}
	out := proto.CloneOf(c)
	out.Metadata = withLive(out.GetMetadata(), map[string]any{"circuitBreakers": limits, "overflows": overflows})
	return out
}

// withEjections is a group of endpoints in which those that are ejected say so in their metadata.
func withEjections(a *endpointv3.ClusterLoadAssignment, ejected map[string]Ejection) *endpointv3.ClusterLoadAssignment {
	if len(ejected) == 0 {
		return a
	}
	out := proto.CloneOf(a)
	for _, l := range out.GetEndpoints() {
		for _, e := range l.GetLbEndpoints() {
			if why, ok := ejected[Address(e.GetEndpoint().GetAddress())]; ok {
				e.Metadata = withLive(e.GetMetadata(), map[string]any{"ejected": map[string]any{
					"reason": why.Reason, "since": why.Since.UTC().Format(time.RFC3339Nano), "until": why.Until.UTC().Format(time.RFC3339Nano),
				}})
			}
		}
	}
	return out
}

// withLive adds what is live to metadata.
func withLive(m *corev3.Metadata, live map[string]any) *corev3.Metadata {
	if m == nil {
		m = &corev3.Metadata{}
	}
	if m.FilterMetadata == nil {
		m.FilterMetadata = map[string]*structpb.Struct{}
	}
	if s, err := structpb.NewStruct(live); err == nil { // texts and numbers always can be
		m.FilterMetadata[liveKey] = s
	}
	return m
}
