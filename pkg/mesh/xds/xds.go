// Package xds has what the two ends of a mesh's configuration share: the control plane makes the Resources of each
// sidecar, and the sidecar takes them.
package xds

import (
	"strconv"
	"strings"

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

// Sent is how a version is sent, the nth of all. A version that comes back is another on the wire: a sidecar waits for all
// types of one, and a type that it has of the first time would not be sent again for the second.
func Sent(version string, n uint64) string { return version + "." + strconv.FormatUint(n, 10) }

// Version is the one that was sent.
func Version(sent string) string {
	version, _, _ := strings.Cut(sent, ".")
	return version
}
