package translate

import (
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/types/known/wrapperspb"
	networking "istio.io/api/networking/v1alpha3"
)

// defaultRingSize is the least number of entries of a hash ring.
const defaultRingSize = 1024

// balanceLoad chooses how endpoints are picked.
func balanceLoad(c *clusterv3.Cluster, lb *networking.LoadBalancerSettings) {
	c.LbPolicy = clusterv3.Cluster_LEAST_REQUEST
	switch kind := lb.GetLbPolicy().(type) {
	case *networking.LoadBalancerSettings_Simple:
		balanceSimply(c, kind.Simple)
	case *networking.LoadBalancerSettings_ConsistentHash:
		balanceByHash(c, kind.ConsistentHash)
	}
}

func balanceSimply(c *clusterv3.Cluster, simple networking.LoadBalancerSettings_SimpleLB) {
	switch simple {
	case networking.LoadBalancerSettings_ROUND_ROBIN:
		c.LbPolicy = clusterv3.Cluster_ROUND_ROBIN
	case networking.LoadBalancerSettings_RANDOM:
		c.LbPolicy = clusterv3.Cluster_RANDOM
	case networking.LoadBalancerSettings_PASSTHROUGH:
		// The connection goes where the caller wanted to go: no endpoints are needed.
		c.LbPolicy, c.EdsClusterConfig = clusterv3.Cluster_CLUSTER_PROVIDED, nil
		c.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_ORIGINAL_DST}
	}
}

func balanceByHash(c *clusterv3.Cluster, hash *networking.LoadBalancerSettings_ConsistentHashLB) {
	if maglev := hash.GetMaglev(); maglev != nil {
		c.LbPolicy = clusterv3.Cluster_MAGLEV
		if maglev.GetTableSize() > 0 {
			c.LbConfig = &clusterv3.Cluster_MaglevLbConfig_{
				MaglevLbConfig: &clusterv3.Cluster_MaglevLbConfig{TableSize: wrapperspb.UInt64(maglev.GetTableSize())},
			}
		}
		return
	}
	size := hash.GetRingHash().GetMinimumRingSize()
	if size == 0 {
		//lint:ignore SA1019 Istio still accepts the older field.
		size = hash.GetMinimumRingSize()
	}
	if size == 0 {
		size = defaultRingSize
	}
	c.LbPolicy = clusterv3.Cluster_RING_HASH
	c.LbConfig = &clusterv3.Cluster_RingHashLbConfig_{
		RingHashLbConfig: &clusterv3.Cluster_RingHashLbConfig{MinimumRingSize: wrapperspb.UInt64(size)},
	}
}

// destinationHash is what requests to a destination of a rule are distributed by.
func (r *router) destinationHash(vs *VirtualService, d *networking.Destination) []*routev3.RouteAction_HashPolicy {
	return r.hashPolicy(r.mesh.fullName(d.GetHost(), vs.Namespace), d.GetSubset())
}

// hashPolicy is what of a request decides its endpoint, for hosts with consistent hashing; nil for others.
func (r *router) hashPolicy(host, subset string) []*routev3.RouteAction_HashPolicy {
	hash := r.mesh.destination(r.proxy, host).policyOf(r.port, subset).GetLoadBalancer().GetConsistentHash()
	policy := &routev3.RouteAction_HashPolicy{}
	switch key := hash.GetHashKey().(type) {
	case *networking.LoadBalancerSettings_ConsistentHashLB_HttpHeaderName:
		policy.PolicySpecifier = &routev3.RouteAction_HashPolicy_Header_{
			Header: &routev3.RouteAction_HashPolicy_Header{HeaderName: key.HttpHeaderName},
		}
	case *networking.LoadBalancerSettings_ConsistentHashLB_HttpCookie:
		policy.PolicySpecifier = &routev3.RouteAction_HashPolicy_Cookie_{Cookie: &routev3.RouteAction_HashPolicy_Cookie{
			Name: key.HttpCookie.GetName(), Path: key.HttpCookie.GetPath(), Ttl: key.HttpCookie.GetTtl(),
		}}
	case *networking.LoadBalancerSettings_ConsistentHashLB_UseSourceIp:
		policy.PolicySpecifier = &routev3.RouteAction_HashPolicy_ConnectionProperties_{
			ConnectionProperties: &routev3.RouteAction_HashPolicy_ConnectionProperties{SourceIp: key.UseSourceIp},
		}
	case *networking.LoadBalancerSettings_ConsistentHashLB_HttpQueryParameterName:
		policy.PolicySpecifier = &routev3.RouteAction_HashPolicy_QueryParameter_{
			QueryParameter: &routev3.RouteAction_HashPolicy_QueryParameter{Name: key.HttpQueryParameterName},
		}
	default:
		return nil
	}
	return []*routev3.RouteAction_HashPolicy{policy}
}
