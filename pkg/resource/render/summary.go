package render

import (
	"cmp"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Ports is "80/TCP,443/TCP", or "<none>".
func Ports(s *corev1.Service) string {
	var ports []string
	for _, p := range s.Spec.Ports {
		ports = append(ports, fmt.Sprintf("%d/%s", p.Port, cmp.Or(string(p.Protocol), string(corev1.ProtocolTCP))))
	}
	return cmp.Or(strings.Join(ports, ","), "<none>")
}
