package workload

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestAProtocolIsReadFromThePortElseFromTheProbes(t *testing.T) {
	grpcProbe := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{GRPC: &corev1.GRPCAction{Port: 1}}}
	httpProbe := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{}}}
	app := func(s string) *string { return &s }
	for name, c := range map[string]struct {
		port  corev1.ServicePort
		probe *corev1.Probe
		want  string
	}{
		"name":                {corev1.ServicePort{Name: "grpc"}, nil, "grpc"},
		"name with a suffix":  {corev1.ServicePort{Name: "http-web"}, grpcProbe, "http"},
		"app protocol":        {corev1.ServicePort{Name: "http", AppProtocol: app("grpc")}, nil, "grpc"},
		"a store":             {corev1.ServicePort{Name: "redis"}, nil, "tcp"},
		"no name, grpc probe": {corev1.ServicePort{}, grpcProbe, "grpc"},
		"own name, http":      {corev1.ServicePort{Name: "main"}, httpProbe, "http"},
		"nothing tells":       {corev1.ServicePort{Name: "main"}, nil, ""},
	} {
		if got := protocolOf(c.port, []corev1.Container{{ReadinessProbe: c.probe}}); got != c.want {
			t.Errorf("%s: protocol %q, want %q", name, got, c.want)
		}
	}
}
