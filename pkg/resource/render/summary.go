package render

import (
	"cmp"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/monitoring"
)

// Summary is how an object does, or what it holds, in a few words: "2/3 ready", "7070/TCP", "4 keys". It
// tells of no value of a Secret.
func Summary(o resource.Object) string {
	switch o := o.(type) {
	case *appsv1.Deployment:
		return fmt.Sprintf("%d/%d ready", o.Status.ReadyReplicas, resource.Replicas(o))
	case *corev1.Service:
		return Ports(o)
	case *corev1.ConfigMap:
		return count(len(o.Data)+len(o.BinaryData), "key")
	case *corev1.Secret:
		return count(len(o.Data)+len(o.StringData), "key")
	case *corev1.Namespace:
		return strings.ToLower(string(cmp.Or(o.Status.Phase, corev1.NamespaceActive)))
	case *monitoring.PrometheusRule:
		rules := 0
		for _, g := range o.Spec.Groups {
			rules += len(g.Rules)
		}
		return count(rules, "rule")
	}
	return ""
}

func count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// Ports is "80/TCP,443/TCP", or "<none>".
func Ports(s *corev1.Service) string {
	var ports []string
	for _, p := range s.Spec.Ports {
		ports = append(ports, fmt.Sprintf("%d/%s", p.Port, cmp.Or(string(p.Protocol), string(corev1.ProtocolTCP))))
	}
	return cmp.Or(strings.Join(ports, ","), "<none>")
}
