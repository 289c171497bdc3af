package podspec

import (
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestTheProgramOfImagesForHealthChecksIsAGRPCProbe(t *testing.T) {
	for command, want := range map[string]string{
		"/bin/grpc_health_probe -addr=:8080":                              "8080 ",
		"/bin/grpc_health_probe -addr=:7070 -rpc-timeout=5s":              "7070 ",
		"grpc_health_probe --addr localhost:9555 --service hipstershop.A": "9555 hipstershop.A",
		"grpc_health_probe -connect-timeout 1s -addr=127.0.0.1:1 -v":      "1 ",
	} {
		got := nativeProbe(&corev1.Probe{PeriodSeconds: 5, ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: strings.Fields(command)}}})
		port, service, _ := strings.Cut(want, " ")
		if got.Exec != nil || got.GRPC == nil || got.PeriodSeconds != 5 {
			t.Errorf("%s: %+v", command, got)
			continue
		}
		if name := got.GRPC.Service; port != strconv.Itoa(int(got.GRPC.Port)) || (name == nil) != (service == "") || name != nil && *name != service {
			t.Errorf("%s: port %d, service %v", command, got.GRPC.Port, name)
		}
	}
	for _, command := range []string{
		"true", "grpc_health_probe", "grpc_health_probe -addr=other:80", "grpc_health_probe -addr=:80 -tls", "sh -c grpc_health_probe", "grpc_health_probe -addr=x",
	} {
		p := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: strings.Fields(command)}}}
		if got := nativeProbe(p); got != p {
			t.Errorf("%s: %+v", command, got)
		}
	}
}
