package podspec

import (
	"net"
	"path"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// nativeProbe replaces a command that only images have by the probe of Kubernetes that does the same: grpc_health_probe, which
// images carried before there were gRPC probes. Other probes stay as they are.
func nativeProbe(p *corev1.Probe) *corev1.Probe {
	if p == nil || p.Exec == nil || len(p.Exec.Command) == 0 || path.Base(p.Exec.Command[0]) != "grpc_health_probe" {
		return p
	}
	check, ok := healthProbe(p.Exec.Command[1:])
	if !ok {
		return p
	}
	native := p.DeepCopy()
	native.Exec, native.GRPC = nil, check
	return native
}

// healthProbe reads the flags of grpc_health_probe; false for those that a gRPC probe does not have, such as -tls, and for
// another host than the container's own.
func healthProbe(args []string) (*corev1.GRPCAction, bool) {
	check := &corev1.GRPCAction{}
	for i := 0; i < len(args); i++ {
		name, value, given := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		if !given && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
			i++
			value = args[i]
		}
		switch name {
		case "addr":
			host, port, err := net.SplitHostPort(value)
			number, parseErr := strconv.ParseUint(port, 10, 16)
			if err != nil || parseErr != nil || host != "" && host != "localhost" && host != "127.0.0.1" && host != "0.0.0.0" {
				return nil, false
			}
			check.Port = int32(number)
		case "service":
			check.Service = &value
		case "rpc-timeout", "connect-timeout", "user-agent", "v": // the probe has a timeout of its own
		default:
			return nil, false
		}
	}
	return check, check.Port != 0
}
