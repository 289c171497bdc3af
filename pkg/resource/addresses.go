package resource

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource/admission"
	"github.com/shopctl/shopctl/pkg/serviceaddr"
)

// services are the ports of a Service among the other objects.
func (f finder) services(s serviceaddr.Service) (ports []int32, ok bool) {
	svc, ok := f.others.Find(Key{KindService, s.Namespace, s.Name}).(*corev1.Service)
	if !ok {
		return nil, false
	}
	for _, p := range svc.Spec.Ports {
		ports = append(ports, p.Port)
	}
	return ports, true
}

// addresses warns of addresses in a container's variables and arguments that lead to no Service. What comes from other
// objects is known when an instance starts.
func (f finder) addresses(path string, c *corev1.Container) {
	var names []string
	values, paths := map[string]string{}, map[string]string{}
	for i, e := range c.Env {
		if e.ValueFrom == nil && !strings.Contains(e.Value, "$(") {
			names = append(names, e.Name)
			values[e.Name], paths[e.Name] = e.Value, fmt.Sprintf("%s.value", admission.Item(path+".env", i))
		}
	}
	for _, name := range names {
		if m, ok := serviceaddr.Stray(name, values[name], f.namespace, f.services); ok {
			f.Add(paths[name], "%s", f.problem(m))
			continue
		}
		f.text(paths[name], values[name], serviceaddr.Variable)
	}
	_, problems := serviceaddr.Pairs(names, values, f.namespace, f.services)
	for _, name := range names {
		if problems[name] != "" {
			f.Add(paths[name], "%s", problems[name])
		}
	}
	for field, words := range map[string][]string{"command": c.Command, "args": c.Args} {
		for i, word := range words {
			if !strings.Contains(word, "$(") {
				f.text(admission.Item(path+"."+field, i), word, serviceaddr.Command)
			}
		}
	}
	field := ".args"
	if len(c.Args) == 0 {
		field = ".command"
	}
	for _, problem := range serviceaddr.Apart(slices.Concat(c.Command, c.Args), f.namespace, f.services) {
		f.Add(path+field, "%s", problem)
	}
}

func (f finder) text(path, text string, kind serviceaddr.Kind) {
	for _, m := range serviceaddr.Find(text, f.namespace, kind, f.services) {
		if !m.Known {
			f.Add(path, "%s", f.problem(m))
		}
	}
}

func (f finder) problem(m serviceaddr.Match) string {
	return m.Problem(f.services, f.others.Names(KindService, m.Service.Namespace))
}
