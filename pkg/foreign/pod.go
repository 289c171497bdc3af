package foreign

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/admission"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// specPath is the path of a Deployment's pod.
const specPath = "spec.template.spec"

// checkDeployment returns what may not be changed from old, which is nil for a new Deployment, to d.
func (l Limits) checkDeployment(was, is *view, old, d *appsv1.Deployment) admission.Issues {
	var issues admission.Issues
	spec := &d.Spec.Template.Spec
	before := &corev1.PodSpec{}
	var resolvedBefore podspec.Pod
	if old != nil {
		before = &old.Spec.Template.Spec
		resolvedBefore = was.resolver.Resolve(old).Pod
	}
	if same := reflect.DeepEqual(before, spec); !same {
		l.checkSpec(&issues, before, spec, resource.IsGateway(&d.Spec.Template))
	}
	resolved := is.resolver.Resolve(d).Pod
	if l.builtinOnly(spec) {
		checkVariables(&issues, is, d.Namespace, resolvedBefore, resolved)
	} else {
		checkUnchanged(&issues, resolvedBefore, resolved)
	}
	return issues
}

// builtinOnly reports whether all containers of a pod run built-in services.
func (l Limits) builtinOnly(spec *corev1.PodSpec) bool {
	return !slices.ContainsFunc(slices.Concat(spec.InitContainers, spec.Containers), func(c corev1.Container) bool {
		return len(c.Command) > 0 || !l.Builtin(c.Image)
	})
}

// checkSpec refuses what a changed pod contains beyond harmless fields. Containers that were there before stay allowed.
func (l Limits) checkSpec(issues *admission.Issues, before, spec *corev1.PodSpec, gateway bool) {
	rest := *spec.DeepCopy()
	harmlessPod(&rest)
	restBefore := *before.DeepCopy()
	harmlessPod(&restBefore)
	if field := firstField(rest); field != "" && !reflect.DeepEqual(rest, restBefore) {
		issues.Add(specPath+"."+field, "a lesson by another author cannot set this field")
	}
	for i, v := range spec.Volumes {
		if !slices.ContainsFunc(before.Volumes, func(b corev1.Volume) bool { return reflect.DeepEqual(b, v) }) {
			checkVolume(issues, fmt.Sprintf("%s.volumes[%d]", specPath, i), v)
		}
	}
	l.checkContainers(issues, "initContainers", before.InitContainers, spec.InitContainers, false)
	l.checkContainers(issues, "containers", before.Containers, spec.Containers, gateway)
}

// harmlessPod empties the fields of a pod that choose no program.
func harmlessPod(p *corev1.PodSpec) {
	p.Containers, p.InitContainers, p.Volumes = nil, nil, nil
	p.RestartPolicy, p.TerminationGracePeriodSeconds = "", nil
	p.ServiceAccountName, p.DeprecatedServiceAccount, p.AutomountServiceAccountToken = "", "", nil
	p.SecurityContext, p.DNSPolicy, p.SchedulerName, p.EnableServiceLinks = nil, "", "", nil
	p.Affinity, p.NodeSelector, p.Tolerations, p.TopologySpreadConstraints = nil, nil, nil, nil
	p.PriorityClassName, p.ImagePullSecrets = "", nil
}

func checkVolume(issues *admission.Issues, path string, v corev1.Volume) {
	v.ConfigMap, v.Secret, v.DownwardAPI, v.EmptyDir = nil, nil, nil, nil
	if p := v.Projected; p != nil {
		v.Projected = nil
		for i, s := range p.Sources {
			s.ConfigMap, s.Secret, s.DownwardAPI = nil, nil, nil
			if field := firstField(s); field != "" {
				issues.Add(fmt.Sprintf("%s.projected.sources[%d].%s", path, i, field), "a lesson by another author cannot set this field")
			}
		}
	}
	if field := firstField(v.VolumeSource); field != "" {
		issues.Add(path+"."+field, "a lesson by another author mounts only ConfigMaps, Secrets, pod fields and empty directories")
	}
}

func (l Limits) checkContainers(issues *admission.Issues, field string, before, containers []corev1.Container, gateway bool) {
	for i, c := range containers {
		if slices.ContainsFunc(before, func(b corev1.Container) bool { return reflect.DeepEqual(b, c) }) {
			continue
		}
		l.checkContainer(issues, fmt.Sprintf("%s.%s[%d]", specPath, field, i), c, isProxy(gateway, c))
	}
}

func (l Limits) checkContainer(issues *admission.Issues, path string, c corev1.Container, proxy bool) {
	if !proxy && !l.Builtin(c.Image) {
		issues.Add(path+".image", "%q is not a built-in service, and a lesson by another author runs no other programs", c.Image)
	}
	checkProbe(issues, path+".startupProbe", c.Ports, c.StartupProbe)
	checkProbe(issues, path+".readinessProbe", c.Ports, c.ReadinessProbe)
	checkProbe(issues, path+".livenessProbe", c.Ports, c.LivenessProbe)
	for i, m := range c.VolumeMounts {
		if m.SubPath != "" && !filepath.IsLocal(m.SubPath) || m.SubPathExpr != "" {
			issues.Add(fmt.Sprintf("%s.volumeMounts[%d]", path, i), "a lesson by another author mounts only paths inside the volume")
		}
	}
	rest := *c.DeepCopy()
	rest.Name, rest.Image, rest.Ports, rest.Env, rest.EnvFrom, rest.VolumeMounts = "", "", nil, nil, nil, nil
	rest.StartupProbe, rest.ReadinessProbe, rest.LivenessProbe = nil, nil, nil
	rest.Resources, rest.ResizePolicy, rest.RestartPolicy = corev1.ResourceRequirements{}, nil, nil
	rest.ImagePullPolicy, rest.TerminationMessagePath, rest.TerminationMessagePolicy = "", "", ""
	rest.SecurityContext, rest.Stdin, rest.StdinOnce, rest.TTY = nil, false, false, false
	if field := firstField(rest); field != "" {
		issues.Add(path+"."+field, "a lesson by another author cannot choose what runs")
	}
}

// checkProbe refuses probes that run a program, or that connect to anything but the container.
func checkProbe(issues *admission.Issues, path string, ports []corev1.ContainerPort, p *corev1.Probe) {
	target := func(field, host string, port intstr.IntOrString) {
		declared := len(ports) == 0 || slices.ContainsFunc(ports, func(c corev1.ContainerPort) bool {
			return port.Type == intstr.String && c.Name == port.StrVal || port.Type == intstr.Int && c.ContainerPort == port.IntVal
		})
		if host != "" || !declared {
			issues.Add(path+"."+field, "a lesson by another author probes only declared ports of the container itself")
		}
	}
	switch {
	case p == nil:
	case p.Exec != nil:
		issues.Add(path+".exec", "a lesson by another author cannot choose what runs")
	case p.HTTPGet != nil:
		target("httpGet", p.HTTPGet.Host, p.HTTPGet.Port)
	case p.TCPSocket != nil:
		target("tcpSocket", p.TCPSocket.Host, p.TCPSocket.Port)
	case p.GRPC != nil:
		target("grpc", "", intstr.FromInt32(p.GRPC.Port))
	}
}

// checkUnchanged refuses any other input for a pod with programs of the user.
func checkUnchanged(issues *admission.Issues, before, now podspec.Pod) {
	if len(before.Containers) == 0 {
		return // a new one was refused for its containers
	}
	input := func(p podspec.Pod) any {
		var all []any
		for _, c := range p.All() {
			all = append(all, c.Image, c.Command, c.Args, c.Env, c.WorkingDir, c.Mounts)
		}
		return all
	}
	if !reflect.DeepEqual(input(before), input(now)) || !maps.EqualFunc(files(before), files(now), bytes.Equal) {
		issues.Add(specPath, "it runs a program of yours, whose input a lesson by another author cannot change")
	}
}

// files are the contents of a pod's volumes.
func files(p podspec.Pod) map[string][]byte {
	all := map[string][]byte{}
	for _, v := range p.Volumes {
		for name, content := range v.Files {
			all[v.Name+"/"+name] = content
		}
	}
	return all
}

// checkVariables refuses variables that are not on the list, wherever they come from. Those that a container of the same
// name had before stay allowed.
func checkVariables(issues *admission.Issues, is *view, namespace string, before, now podspec.Pod) {
	had := map[string][]string{}
	for _, c := range before.All() {
		had[c.Name] = c.Env
	}
	for _, c := range now.All() {
		for _, kv := range c.Env {
			name, value, _ := strings.Cut(kv, "=")
			if slices.Contains(had[c.Name], kv) {
				continue
			}
			if why := is.refuseVariable(namespace, name, value); why != "" {
				issues.Add(specPath, "container %s: variable %s: %s", c.Name, name, why)
			}
		}
	}
}

// firstField is the JSON name of a field of a struct that is not empty; "" if there is none.
func firstField(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "spec"
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return "spec"
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		switch string(fields[name]) {
		case "null", `""`, "{}", "[]":
		default:
			return name
		}
	}
	return ""
}
