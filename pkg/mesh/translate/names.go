package translate

import (
	"fmt"
	"strings"
)

// clusterName is istiod's name of the endpoints of a service's port, all of them or those of a subset.
func clusterName(port uint32, subset, host string) string {
	return fmt.Sprintf("outbound|%d|%s|%s", port, subset, host)
}

// serverName is the name by which a callee's sidecar knows the cluster: that of the cluster, as a host can be written.
func serverName(port uint32, subset, host string) string {
	return fmt.Sprintf("outbound_.%d_.%s_.%s", port, subset, host)
}

// splitCluster takes the name of a cluster apart.
func splitCluster(name string) (port, host string, ok bool) {
	parts := strings.Split(name, "|")
	if len(parts) != 4 {
		return "", "", false
	}
	return parts[1], parts[3], true
}
