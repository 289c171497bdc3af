package objects

import (
	"cmp"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/monitoring"
	"github.com/shopctl/shopctl/pkg/resource/render"
)

// cellsOf fills the columns of columnsOf.
func cellsOf(f *cmdutil.Factory, o resource.Object) []string {
	name, age := o.GetName(), cmdutil.Age(f.Now(), o.GetCreationTimestamp().Time)
	switch o := o.(type) {
	case *appsv1.Deployment:
		st := o.Status
		return []string{
			name, ratio(st.ReadyReplicas, resource.Replicas(o)), fmt.Sprint(st.UpdatedReplicas), fmt.Sprint(st.AvailableReplicas),
			age, strings.Join(imagesOf(o.Spec.Template.Spec), ","),
		}
	case *corev1.Service:
		return []string{
			name, cmp.Or(string(o.Spec.Type), string(corev1.ServiceTypeClusterIP)), cmp.Or(o.Spec.ClusterIP, "<none>"),
			render.Ports(o), age, iostreams.Pairs(o.Spec.Selector),
		}
	case *corev1.ConfigMap:
		return []string{name, fmt.Sprint(len(o.Data) + len(o.BinaryData)), age}
	case *corev1.Secret:
		return []string{name, cmp.Or(string(o.Type), string(corev1.SecretTypeOpaque)), fmt.Sprint(len(o.Data) + len(o.StringData)), age}
	case *corev1.Namespace:
		return []string{name, cmp.Or(string(o.Status.Phase), string(corev1.NamespaceActive)), age}
	case *monitoring.PrometheusRule:
		rules := 0
		for _, g := range o.Spec.Groups {
			rules += len(g.Rules)
		}
		return []string{name, fmt.Sprint(len(o.Spec.Groups)), fmt.Sprint(rules), age}
	default:
		return []string{name, age}
	}
}

func imagesOf(spec corev1.PodSpec) []string {
	var images []string
	for _, c := range spec.Containers {
		images = append(images, c.Image)
	}
	return images
}
