package objects

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// describePods tells what instances are made from.
func describePods(w io.Writer, t corev1.PodTemplateSpec) {
	fmt.Fprintln(w, "Instances are made from:")
	fmt.Fprintf(w, "  Labels:           %s\n", iostreams.Pairs(t.Labels))
	if t.Spec.ServiceAccountName != "" {
		fmt.Fprintf(w, "  Service account:  %s\n", t.Spec.ServiceAccountName)
	}
	for _, c := range t.Spec.Containers {
		fmt.Fprintf(w, "  %s:\n    Image:      %s\n", c.Name, c.Image)
		if words := append(slices.Clone(c.Command), c.Args...); len(words) > 0 {
			fmt.Fprintf(w, "    Command:    %s\n", strings.Join(words, " "))
		}
		for _, p := range c.Ports {
			fmt.Fprintf(w, "    Port:       %d/%s %s\n", p.ContainerPort, cmp.Or(string(p.Protocol), "TCP"), p.Name)
		}
		describeProbe(w, "Readiness", c.ReadinessProbe)
		describeProbe(w, "Liveness", c.LivenessProbe)
		for _, e := range c.Env {
			fmt.Fprintf(w, "    Variable:   %s=%s\n", e.Name, envValue(e))
		}
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

func describeProbe(w io.Writer, name string, p *corev1.Probe) {
	if p == nil {
		return
	}
	how := "none"
	switch {
	case p.GRPC != nil && p.GRPC.Service != nil && *p.GRPC.Service != "":
		how = fmt.Sprintf("grpc :%d service %s", p.GRPC.Port, *p.GRPC.Service)
	case p.GRPC != nil:
		how = fmt.Sprintf("grpc :%d", p.GRPC.Port)
	case p.HTTPGet != nil:
		how = fmt.Sprintf("http :%s%s", p.HTTPGet.Port.String(), p.HTTPGet.Path)
	case p.TCPSocket != nil:
		how = fmt.Sprintf("tcp :%s", p.TCPSocket.Port.String())
	case p.Exec != nil:
		how = "exec " + strings.Join(p.Exec.Command, " ")
	}
	fmt.Fprintf(w, "    %-11s %s, every %ds, %d failures\n", name+":", how, max(p.PeriodSeconds, 1), max(p.FailureThreshold, 1))
}

// service tells where a Service leads: the ready instances that it selects now.
func service(w io.Writer, s *corev1.Service, all []*controlpb.Service) {
	field(w, "Selector", iostreams.Pairs(s.Spec.Selector))
	field(w, "Type", cmp.Or(string(s.Spec.Type), string(corev1.ServiceTypeClusterIP)))
	for _, p := range s.Spec.Ports {
		field(w, "Port", fmt.Sprintf("%s %d -> %s", iostreams.OrDash(p.Name), p.Port, p.TargetPort.String()))
	}
	for _, of := range all {
		if of.GetWorkload() == s.GetName() && of.GetNamespace() == s.GetNamespace() {
			field(w, "Local address", iostreams.OrDash(of.GetAddress()))
			var ready []string
			for _, in := range of.GetInstances() {
				if in.GetState() == "ready" {
					ready = append(ready, in.GetAddress())
				}
			}
			field(w, "Endpoints", cmp.Or(strings.Join(ready, ","), "<none>"))
		}
	}
}

func field(w io.Writer, name, value string) { fmt.Fprintf(w, "%-16s %s\n", name+":", value) }

func fieldMap(w io.Writer, name string, m map[string]string) {
	keys := slices.Sorted(maps.Keys(m))
	if len(keys) == 0 {
		field(w, name, "<none>")
		return
	}
	for i, k := range keys {
		if i > 0 {
			fmt.Fprintf(w, "%-16s %s=%s\n", "", k, m[k])
			continue
		}
		field(w, name, k+"="+m[k])
	}
}
