package find

import (
	"context"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// nodeName is the name of this machine, the only node.
const nodeName = "localhost"

// pods are the instances of all Deployments as Kubernetes shows them.
func pods() Kind {
	k := Kind{Name: "Pod", APIVersion: "v1", Plural: "pods", Namespaced: true, columns: podColumns}
	k.get = func(ctx context.Context, shop *control.Client, q Query) ([]resource.Object, error) {
		return getPods(ctx, shop, k, q)
	}
	return k
}

func getPods(ctx context.Context, shop *control.Client, k Kind, q Query) ([]resource.Object, error) {
	selector, err := labels.Parse(q.Selector)
	if err != nil {
		return nil, cmdutil.UsageErr("use KEY=VALUE, several with commas: -l app=cartservice,version=v1", "selector %q: %w", q.Selector, err)
	}
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return nil, err
	}
	namespace := q.Namespace
	if namespace == "" {
		namespace = st.GetNamespace()
	}
	services := st.GetServices()
	if !q.All {
		if services, err = cmdutil.ServicesIn(ctx, shop, namespace, services); err != nil {
			return nil, err
		}
	}
	deployments, err := templates(ctx, shop)
	if err != nil {
		return nil, err
	}
	var found []resource.Object
	var names []string
	for _, s := range services {
		d := deployments[types.NamespacedName{Namespace: s.GetNamespace(), Name: s.GetWorkload()}]
		for _, in := range s.GetInstances() {
			names = append(names, in.GetName())
			pod := podOf(s, in, d)
			if selector.Matches(labels.Set(pod.Labels)) && (len(q.Names) == 0 || slices.Contains(q.Names, pod.Name)) {
				found = append(found, pod)
			}
		}
	}
	for _, name := range q.Names {
		if !slices.Contains(names, name) {
			return nil, missing(k, name, names)
		}
	}
	slices.SortStableFunc(found, func(a, b resource.Object) int {
		return strings.Compare(a.GetNamespace()+"/"+a.GetName(), b.GetNamespace()+"/"+b.GetName())
	})
	return found, nil
}

// templates are all Deployments by their names.
func templates(ctx context.Context, shop *control.Client) (map[types.NamespacedName]*appsv1.Deployment, error) {
	kind, err := Lookup(resource.KindDeployment)
	if err != nil {
		return nil, err
	}
	objects, err := kind.Get(ctx, shop, Query{All: true})
	if err != nil {
		return nil, err
	}
	found := map[types.NamespacedName]*appsv1.Deployment{}
	for _, o := range objects {
		if d, ok := o.(*appsv1.Deployment); ok {
			found[types.NamespacedName{Namespace: d.Namespace, Name: d.Name}] = d
		}
	}
	return found, nil
}

// podOf is an instance of a service as a pod. d is the Deployment that it is made from; nil if that was deleted.
func podOf(s *controlpb.Service, in *controlpb.Instance, d *appsv1.Deployment) *corev1.Pod {
	pod := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: in.GetName(), Namespace: s.GetNamespace(), Labels: map[string]string{}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning, HostIP: "127.0.0.1", PodIP: "127.0.0.1", PodIPs: []corev1.PodIP{{IP: "127.0.0.1"}}, Message: in.GetMessage()},
	}
	if d != nil {
		pod.Spec = *d.Spec.Template.Spec.DeepCopy()
		for key, value := range d.Spec.Template.Labels {
			pod.Labels[key] = value
		}
		pod.Annotations = d.Spec.Template.Annotations
		yes := true
		pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: resource.KindDeployment, Name: d.Name, UID: d.UID, Controller: &yes}}
	}
	if hash := revisionOf(s.GetWorkload(), in.GetName()); hash != "" {
		pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = hash
	}
	pod.Spec.NodeName = nodeName
	created := started(in)
	pod.CreationTimestamp = created
	if !created.IsZero() {
		pod.Status.StartTime = &created
	}
	if in.GetState() == "stopping" {
		pod.DeletionTimestamp = &created
	}
	containers(pod, in)
	conditions(pod, in)
	return pod
}

// revisionOf is the hash in the name of a pod: NAME-HASH-SUFFIX.
func revisionOf(workload, pod string) string {
	rest, ok := strings.CutPrefix(pod, workload+"-")
	if !ok {
		return ""
	}
	hash, _, _ := strings.Cut(rest, "-")
	return hash
}

// started is when the first container of an instance started.
func started(in *controlpb.Instance) metav1.Time {
	var first time.Time
	for _, t := range append([]*controlpb.Container{{Started: in.GetStarted()}}, in.GetContainers()...) {
		if at := t.GetStarted(); at != nil && (first.IsZero() || at.AsTime().Before(first)) {
			first = at.AsTime()
		}
	}
	if first.IsZero() {
		return metav1.Time{}
	}
	return metav1.NewTime(first.UTC().Truncate(time.Second))
}

// containers adds the state of each container, and gives those of the spec the images that run.
func containers(pod *corev1.Pod, in *controlpb.Instance) {
	always := corev1.ContainerRestartPolicyAlways
	for _, c := range in.GetContainers() {
		status := corev1.ContainerStatus{
			Name: c.GetName(), Image: c.GetImage(), Ready: c.GetReady(), RestartCount: c.GetRestarts(), ContainerID: c.GetId(), State: stateOf(c, in),
		}
		running := status.State.Running != nil
		status.Started = &running
		list, statuses := &pod.Spec.Containers, &pod.Status.ContainerStatuses
		if c.GetKind() != "app" {
			list, statuses = &pod.Spec.InitContainers, &pod.Status.InitContainerStatuses
		}
		*statuses = append(*statuses, status)
		i := slices.IndexFunc(*list, func(spec corev1.Container) bool { return spec.Name == c.GetName() })
		if i < 0 { // a sidecar of the mesh
			added := corev1.Container{Name: c.GetName(), Image: c.GetImage()}
			if c.GetKind() == "sidecar" {
				added.RestartPolicy = &always
			}
			*list = append(*list, added)
			continue
		}
		(*list)[i].Image = c.GetImage()
	}
}

// stateOf is the state of a container. Why it waits is in the status of its instance, in kubectl's words.
func stateOf(c *controlpb.Container, in *controlpb.Instance) corev1.ContainerState {
	switch c.GetState() {
	case "running", "starting":
		at := metav1.Time{}
		if c.GetStarted() != nil {
			at = metav1.NewTime(c.GetStarted().AsTime().UTC().Truncate(time.Second))
		}
		return corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at}}
	case "completed":
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed"}}
	case "backoff", "crashloop":
		reason := strings.TrimPrefix(in.GetStatus(), "Init:")
		if c.GetState() == "crashloop" {
			reason = "CrashLoopBackOff"
		}
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: c.GetMessage()}}
	}
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodInitializing", Message: c.GetMessage()}}
}

// conditions adds the phase, and whether the pod is ready.
func conditions(pod *corev1.Pod, in *controlpb.Instance) {
	status := in.GetStatus()
	initialized := corev1.ConditionTrue
	if status == "Pending" || strings.HasPrefix(status, "Init:") {
		pod.Status.Phase, initialized = corev1.PodPending, corev1.ConditionFalse
	}
	ready := corev1.ConditionFalse
	if in.GetState() == "ready" {
		ready = corev1.ConditionTrue
	}
	pod.Status.Conditions = []corev1.PodCondition{
		{Type: corev1.PodScheduled, Status: corev1.ConditionTrue},
		{Type: corev1.PodInitialized, Status: initialized},
		{Type: corev1.ContainersReady, Status: ready},
		{Type: corev1.PodReady, Status: ready, Message: in.GetMessage()},
	}
}
