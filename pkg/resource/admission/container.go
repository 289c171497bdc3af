package admission

import (
	"fmt"
	"reflect"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// of is what the checks of a container need to know of its pod.
type of struct {
	pod     *corev1.PodSpec
	volumes map[string]*corev1.Volume
	// claims are the names of the pod's resource claims, and names those of the containers before.
	claims, names map[string]bool
}

// container checks one container.
func (c *Issues) container(path string, k *corev1.Container, of of) {
	switch {
	case c.Required(path+".name", k.Name):
	case of.names[k.Name]:
		c.Add(path+".name", "%q is the name of another container", k.Name)
	default:
		c.Rule(path+".name", k.Name, validation.IsDNS1123Label(k.Name))
	}
	of.names[k.Name] = true
	c.Required(path+".image", k.Image)
	c.ports(path+".ports", k.Ports)
	for i := range k.Env {
		c.env(Item(path+".env", i), &k.Env[i], of.volumes)
	}
	for i := range k.EnvFrom {
		c.envFrom(Item(path+".envFrom", i), &k.EnvFrom[i])
	}
	c.resources(path+".resources", k.Resources)
	for i, claim := range k.Resources.Claims {
		if !of.claims[claim.Name] {
			c.Add(Item(path+".resources.claims", i), "the pod has no resource claim %q", claim.Name)
		}
	}
	resized := map[corev1.ResourceName]bool{}
	for i, p := range k.ResizePolicy {
		at := Item(path+".resizePolicy", i)
		if resized[p.ResourceName] {
			c.Add(at, "%s is there already", p.ResourceName)
		}
		resized[p.ResourceName] = true
		OneOf(c, at+".resourceName", p.ResourceName, corev1.ResourceCPU, corev1.ResourceMemory)
		OneOf(c, at+".restartPolicy", p.RestartPolicy, corev1.NotRequired, corev1.RestartContainer)
	}
	c.mounts(path+".volumeMounts", k, of.volumes)
	c.security(path+".securityContext", k.SecurityContext, !isFalse(of.pod.HostUsers))
	c.restarts(path, k)
}

// restarts checks when a container is started again.
func (c *Issues) restarts(path string, k *corev1.Container) {
	for i, r := range k.RestartPolicyRules {
		at := Item(path+".restartPolicyRules", i)
		OneOf(c, at+".action", r.Action, corev1.ContainerRestartRuleActionRestart, corev1.ContainerRestartRuleActionRestartAllContainers)
		if r.ExitCodes == nil {
			c.Add(at+".exitCodes", "is missing")
			continue
		}
		OneOf(c, at+".exitCodes.operator", r.ExitCodes.Operator,
			corev1.ContainerRestartRuleOnExitCodesOpIn, corev1.ContainerRestartRuleOnExitCodesOpNotIn)
	}
	if k.RestartPolicy != nil {
		OneOf(c, path+".restartPolicy", *k.RestartPolicy,
			corev1.ContainerRestartPolicyAlways, corev1.ContainerRestartPolicyOnFailure, corev1.ContainerRestartPolicyNever)
	} else if len(k.RestartPolicyRules) > 0 {
		c.Add(path+".restartPolicy", "is missing; restartPolicyRules need it")
	}
}

// running checks what a container may have that keeps running.
func (c *Issues) running(path string, k *corev1.Container, p *corev1.PodSpec) {
	c.probe(path+".livenessProbe", k.LivenessProbe, true)
	c.probe(path+".startupProbe", k.StartupProbe, true)
	c.probe(path+".readinessProbe", k.ReadinessProbe, false)
	c.lifecycle(path+".lifecycle", k.Lifecycle, p)
}

// initContainer checks what init containers may have. One that keeps running (a sidecar) may have what others have.
func (c *Issues) initContainer(path string, k *corev1.Container, p *corev1.PodSpec) {
	if k.RestartPolicy != nil && *k.RestartPolicy == corev1.ContainerRestartPolicyAlways {
		c.running(path, k, p)
		return
	}
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"livenessProbe", k.LivenessProbe != nil},
		{"readinessProbe", k.ReadinessProbe != nil},
		{"startupProbe", k.StartupProbe != nil},
		{"lifecycle", k.Lifecycle != nil},
	} {
		if f.set {
			c.Add(path+"."+f.name, "is not possible for an init container that runs to completion; with restartPolicy: Always it is")
		}
	}
}

func (c *Issues) ports(path string, ports []corev1.ContainerPort) {
	names := map[string]bool{}
	for i, p := range ports {
		at := Item(path, i)
		c.Port(at+".containerPort", p.ContainerPort)
		if p.HostPort != 0 {
			c.Port(at+".hostPort", p.HostPort)
		}
		if p.Name == "" {
			continue
		}
		c.Rule(at+".name", p.Name, validation.IsValidPortName(p.Name))
		if names[p.Name] {
			c.Add(at+".name", "%q is the name of another port", p.Name)
		}
		names[p.Name] = true
	}
}

// hostPorts checks that no two containers want the same port of the machine.
func (c *Issues) hostPorts(path string, containers []corev1.Container) {
	taken := map[string]bool{}
	for i, k := range containers {
		for j, p := range k.Ports {
			key := fmt.Sprintf("%s %s %d", p.Protocol, p.HostIP, p.HostPort)
			if p.HostPort != 0 && taken[key] {
				c.Add(Item(Item(path, i)+".ports", j)+".hostPort", "%d is the hostPort of another port", p.HostPort)
			}
			taken[key] = true
		}
	}
}

// given counts the pointers of a union that are set.
func given(union any) int {
	v, n := reflect.ValueOf(union), 0
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			n++
		}
	}
	return n
}
