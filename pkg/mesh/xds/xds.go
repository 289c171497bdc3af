// Package xds has what the two ends of a mesh's configuration share: the control plane makes the Resources of each
// sidecar, and the sidecar takes them.
package xds

import (
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
)

// Resources are all that one sidecar is configured with. They are not changed. Keys and certificates are not among
// them: a sidecar makes its own key, and has it signed.
type Resources struct {
	// Version changes with any of the resources.
	Version   string
	Listeners []*listenerv3.Listener
	Clusters  []*clusterv3.Cluster
	Routes    []*routev3.RouteConfiguration
	Endpoints []*endpointv3.ClusterLoadAssignment
}
