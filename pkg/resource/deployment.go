package resource

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/shopctl/shopctl/pkg/resource/admission"
)

// Values of Kubernetes' pkg/apis/apps/v1/defaults.go.
const (
	defaultReplicas        = 1
	defaultHistory         = 10
	defaultProgressSeconds = 600
)

func deploymentKind() Kind {
	return definition[*appsv1.Deployment]{
		Kind: Kind{
			Name: KindDeployment, APIVersion: "apps/v1", Plural: "deployments", Short: []string{"deploy"},
			Namespaced: true, Workload: true, Restorable: true,
		},
		empty:    func() *appsv1.Deployment { return &appsv1.Deployment{} },
		defaults: defaultDeployment,
		check:    checkDeployment,
		checkUpdate: func(c *admission.Issues, old, updated *appsv1.Deployment) {
			if !admission.Equal(old.Spec.Selector, updated.Spec.Selector) {
				c.Add("spec.selector", "cannot change once the Deployment exists (it is %s); delete the Deployment first",
					metav1.FormatLabelSelector(old.Spec.Selector))
			}
		},
		warn:       warnDeployment,
		inert:      inertDeployment,
		spec:       func(d *appsv1.Deployment) any { return d.Spec },
		copyStatus: func(d, from *appsv1.Deployment) { from.Status.DeepCopyInto(&d.Status) },
		columns: []column[*appsv1.Deployment]{
			{"READY", func(d *appsv1.Deployment) string { return fmt.Sprintf("%d/%d", d.Status.ReadyReplicas, Replicas(d)) }},
			{"UP-TO-DATE", func(d *appsv1.Deployment) string { return strconv.Itoa(int(d.Status.UpdatedReplicas)) }},
			{"AVAILABLE", func(d *appsv1.Deployment) string { return strconv.Itoa(int(d.Status.AvailableReplicas)) }},
			ageColumn[*appsv1.Deployment](),
			{"IMAGES", deploymentImages},
		},
		summary: func(d *appsv1.Deployment) string {
			return fmt.Sprintf("%d/%d ready", d.Status.ReadyReplicas, Replicas(d))
		},
		describe: describeDeployment,
	}.kind()
}

func defaultDeployment(d *appsv1.Deployment) {
	admission.SetPointer(&d.Spec.Replicas, defaultReplicas)
	admission.SetPointer(&d.Spec.RevisionHistoryLimit, defaultHistory)
	admission.SetPointer(&d.Spec.ProgressDeadlineSeconds, defaultProgressSeconds)
	strategy := &d.Spec.Strategy
	admission.Set(&strategy.Type, appsv1.RollingUpdateDeploymentStrategyType)
	if strategy.Type == appsv1.RollingUpdateDeploymentStrategyType {
		admission.SetPointer(&strategy.RollingUpdate, appsv1.RollingUpdateDeployment{})
		admission.SetPointer(&strategy.RollingUpdate.MaxUnavailable, intstr.FromString("25%"))
		admission.SetPointer(&strategy.RollingUpdate.MaxSurge, intstr.FromString("25%"))
	}
	admission.DefaultPod(&d.Spec.Template.Spec)
}

// podSpecPath is the path of what instances are made from.
const podSpecPath = "spec.template.spec"

// inertDeployment are the fields that do nothing here.
func inertDeployment() []admission.Inert {
	return append(admission.PodInert(podSpecPath),
		admission.Inert{Field: "spec.template.metadata.finalizers", Message: "have no effect here; instances go at once"})
}

func warnDeployment(c *admission.Issues, d *appsv1.Deployment, others Objects) {
	const path = podSpecPath
	c.HostName("metadata.name", d.Name)
	c.AnnotationWarnings("spec.template.metadata.annotations", d.Spec.Template.Annotations)
	c.PodWarnings(path, &d.Spec.Template.Spec)
	warnReferences(c, path, &d.Spec.Template.Spec, d.Namespace, others)
	if d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
		return
	}
	for i, v := range d.Spec.Template.Spec.Volumes {
		if v.PersistentVolumeClaim == nil {
			continue
		}
		claim, ok := others.Find(Key{KindPersistentVolumeClaim, d.Namespace, v.PersistentVolumeClaim.ClaimName}).(*corev1.PersistentVolumeClaim)
		if ok && slices.Contains(claim.Spec.AccessModes, corev1.ReadWriteOncePod) {
			c.Add(admission.Item(path+".volumes", i), "one instance at a time can use a ReadWriteOncePod claim, so that a rolling update never completes; write strategy: {type: Recreate}")
		}
	}
}

func deploymentImages(d *appsv1.Deployment) string {
	var images []string
	for _, c := range d.Spec.Template.Spec.Containers {
		images = append(images, c.Image)
	}
	return strings.Join(images, ",")
}

func describeDeployment(p Printer, d *appsv1.Deployment, live *Live) {
	st := d.Status
	var selector map[string]string
	if d.Spec.Selector != nil {
		selector = d.Spec.Selector.MatchLabels
	}
	printField(p, "Selector", pairs(selector))
	printField(p, "Replicas", fmt.Sprintf("%d wanted, %d updated, %d total, %d ready, %d available",
		Replicas(d), st.UpdatedReplicas, st.Replicas, st.ReadyReplicas, st.AvailableReplicas))
	printField(p, "Strategy", string(cmp.Or(d.Spec.Strategy.Type, appsv1.RollingUpdateDeploymentStrategyType)))
	if r := d.Spec.Strategy.RollingUpdate; r != nil && r.MaxUnavailable != nil && r.MaxSurge != nil {
		printField(p, "Rolling update", fmt.Sprintf("%s unavailable at most, %s more at most", r.MaxUnavailable.String(), r.MaxSurge.String()))
	}
	describeTemplate(p, d.Spec.Template)
	if live == nil {
		return
	}
	printField(p, "State", strings.TrimSpace(p.State(live.State)+" "+live.Message))
	fmt.Fprintln(p, "Instances:")
	var rows [][]string
	for _, in := range live.Instances {
		rows = append(rows, []string{
			"  " + in.Name, p.State(in.State), orDash(in.Version), strconv.Itoa(int(in.PID)), orDash(in.Address), strconv.Itoa(int(in.Restarts)),
		})
	}
	p.Table([]string{"  NAME", "STATE", "VERSION", "PID", "ADDRESS", "RESTARTS"}, rows)
	if len(live.Faults) > 0 {
		printField(p, "Faults", strings.Join(live.Faults, "; "))
	}
}

// describeTemplate prints what instances are made from.
func describeTemplate(p Printer, t corev1.PodTemplateSpec) {
	fmt.Fprintln(p, "Instances are made from:")
	fmt.Fprintf(p, "  Labels:           %s\n", pairs(t.Labels))
	if t.Spec.ServiceAccountName != "" {
		fmt.Fprintf(p, "  Service account:  %s\n", t.Spec.ServiceAccountName)
	}
	for i := range t.Spec.InitContainers {
		describeContainer(p, &t.Spec.InitContainers[i], " (init)")
	}
	for i := range t.Spec.Containers {
		describeContainer(p, &t.Spec.Containers[i], "")
	}
}

func describeContainer(p Printer, c *corev1.Container, role string) {
	fmt.Fprintf(p, "  %s%s:\n    Image:      %s\n", c.Name, role, c.Image)
	if words := append(append([]string{}, c.Command...), c.Args...); len(words) > 0 {
		fmt.Fprintf(p, "    Command:    %s\n", strings.Join(words, " "))
	}
	for _, port := range c.Ports {
		fmt.Fprintf(p, "    Port:       %d/%s %s\n", port.ContainerPort, cmp.Or(port.Protocol, corev1.ProtocolTCP), port.Name)
	}
	describeProbe(p, "Readiness", c.ReadinessProbe)
	describeProbe(p, "Liveness", c.LivenessProbe)
	for _, e := range c.Env {
		fmt.Fprintf(p, "    Variable:   %s=%s\n", e.Name, envValue(e))
	}
}

func envValue(e corev1.EnvVar) string {
	from := e.ValueFrom
	switch {
	case from == nil:
		return e.Value
	case from.ConfigMapKeyRef != nil:
		return fmt.Sprintf("<%s of configmap %s>", from.ConfigMapKeyRef.Key, from.ConfigMapKeyRef.Name)
	case from.SecretKeyRef != nil:
		return fmt.Sprintf("<%s of secret %s>", from.SecretKeyRef.Key, from.SecretKeyRef.Name)
	case from.FieldRef != nil:
		return fmt.Sprintf("<%s>", from.FieldRef.FieldPath)
	default:
		return "<reference>"
	}
}

func describeProbe(p Printer, name string, probe *corev1.Probe) {
	if probe == nil {
		return
	}
	text := "none"
	switch {
	case probe.GRPC != nil && probe.GRPC.Service != nil && *probe.GRPC.Service != "":
		text = fmt.Sprintf("grpc :%d service %s", probe.GRPC.Port, *probe.GRPC.Service)
	case probe.GRPC != nil:
		text = fmt.Sprintf("grpc :%d", probe.GRPC.Port)
	case probe.HTTPGet != nil:
		text = fmt.Sprintf("http :%s%s", probe.HTTPGet.Port.String(), probe.HTTPGet.Path)
	case probe.TCPSocket != nil:
		text = fmt.Sprintf("tcp :%s", probe.TCPSocket.Port.String())
	case probe.Exec != nil:
		text = "exec " + strings.Join(probe.Exec.Command, " ")
	}
	fmt.Fprintf(p, "    %-11s %s, every %ds, %d failures\n", name+":", text, max(probe.PeriodSeconds, 1), max(probe.FailureThreshold, 1))
}
