package find

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/resource"
)

// none is kubectl's word for nothing in a cell.
const none = "<none>"

// plain is a column whose cells do not depend on the time. T is the Go type of the kind.
func plain[T resource.Object](header string, wide bool, cell func(T) string) Column {
	return Column{Header: header, Wide: wide, Cell: func(o resource.Object, _ time.Time) string {
		if typed, ok := o.(T); ok {
			return cell(typed)
		}
		return none
	}}
}

// wideColumns are those that -o wide adds for a stored kind.
func wideColumns(kind string) []Column {
	if kind != resource.KindDeployment {
		return nil
	}
	return []Column{
		plain("CONTAINERS", true, func(d *appsv1.Deployment) string {
			var names []string
			for _, c := range d.Spec.Template.Spec.Containers {
				names = append(names, c.Name)
			}
			return strings.Join(names, ",")
		}),
		plain("SELECTOR", true, func(d *appsv1.Deployment) string { return metav1.FormatLabelSelector(d.Spec.Selector) }),
	}
}

func podColumns() []Column {
	return []Column{
		plain("NAME", false, func(p *corev1.Pod) string { return p.Name }),
		plain("READY", false, readiness),
		plain("STATUS", false, podStatus),
		plain("RESTARTS", false, func(p *corev1.Pod) string {
			restarts := 0
			for _, c := range append(p.Status.InitContainerStatuses, p.Status.ContainerStatuses...) {
				restarts += int(c.RestartCount)
			}
			return strconv.Itoa(restarts)
		}),
		{Header: "AGE", Cell: age},
		plain("IP", true, func(p *corev1.Pod) string { return p.Status.PodIP }),
		plain("NODE", true, func(p *corev1.Pod) string { return p.Spec.NodeName }),
	}
}

func age(o resource.Object, now time.Time) string {
	created := o.GetCreationTimestamp()
	if created.IsZero() {
		return "<unknown>"
	}
	return humanize.Age(now.Sub(created.Time))
}

// readiness is how many of a pod's containers are ready, of those that run beside each other.
func readiness(p *corev1.Pod) string {
	ready, total := 0, 0
	count := func(c corev1.ContainerStatus) {
		total++
		if c.Ready {
			ready++
		}
	}
	for _, c := range p.Status.ContainerStatuses {
		count(c)
	}
	for _, c := range p.Status.InitContainerStatuses {
		if sidecar(p, c.Name) {
			count(c)
		}
	}
	return fmt.Sprintf("%d/%d", ready, total)
}

// sidecar reports whether an init container runs beside the others.
func sidecar(p *corev1.Pod, name string) bool {
	for _, c := range p.Spec.InitContainers {
		if c.Name == name {
			return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
		}
	}
	return false
}

// podStatus is kubectl's word for the state of a pod.
func podStatus(p *corev1.Pod) string {
	if p.DeletionTimestamp != nil {
		return "Terminating"
	}
	done, total := 0, len(p.Status.InitContainerStatuses)
	for _, c := range p.Status.InitContainerStatuses {
		switch {
		case c.State.Terminated != nil, sidecar(p, c.Name) && c.State.Running != nil:
			done++
		case c.State.Waiting != nil && c.State.Waiting.Reason != "PodInitializing":
			return "Init:" + c.State.Waiting.Reason
		}
	}
	if p.Status.Phase == corev1.PodPending {
		if done < total {
			return fmt.Sprintf("Init:%d/%d", done, total)
		}
		return string(p.Status.Phase)
	}
	for _, c := range p.Status.ContainerStatuses {
		if c.State.Waiting != nil {
			return c.State.Waiting.Reason
		}
	}
	return string(p.Status.Phase)
}
