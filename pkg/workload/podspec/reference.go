package podspec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/serviceaddr"
)

// services are the Services that have an address, with their ports.
func (r *Resolver) services(s serviceaddr.Service) (ports []int32, ok bool) {
	for ref := range r.Ports {
		if ref.Service.Namespace == s.Namespace && ref.Service.Name == s.Name {
			ports = append(ports, ref.Port)
		}
	}
	slices.Sort(ports)
	return ports, ports != nil
}

func (r *Resolver) serviceNames(namespace string) []string {
	var names []string
	for ref := range r.Ports {
		if ref.Service.Namespace == namespace {
			names = append(names, ref.Service.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func reference(s serviceaddr.Service, port int32) Reference {
	return Reference{orchestrator.Key{Namespace: s.Namespace, Name: s.Name}, port}
}

// rewrite replaces the addresses of Services in a text by placeholders. problems are about addresses that lead nowhere.
func (r *Resolver) rewrite(text, namespace string, kind serviceaddr.Kind) (rewritten string, refs []Reference, problems []string) {
	for _, m := range slices.Backward(serviceaddr.Find(text, namespace, kind, r.services)) {
		if !m.Known {
			problems = append(problems, m.Problem(r.services, r.serviceNames(m.Service.Namespace)))
			continue
		}
		ref := reference(m.Service, m.Port)
		refs = append(refs, ref)
		text = text[:m.Start] + ref.mark() + text[m.End:]
	}
	slices.Reverse(refs)
	slices.Reverse(problems)
	return text, refs, problems
}

// resolving is the state of resolving one container.
type resolving struct {
	r *Resolver
	t *Template
	c *Container
	// label begins its warnings; empty for the only container of a pod.
	label     string
	namespace string
}

// refer notes references. where is the literal text that they come from; empty for others: they come and go with objects.
func (x *resolving) refer(where string, refs ...Reference) {
	for _, ref := range refs {
		if where != "" {
			x.t.Pinned = append(x.t.Pinned, fmt.Sprintf("%s.%s=%s:%d", x.c.Name, where, ref.Service, ref.Port))
		}
		if !slices.Contains(x.c.References, ref) {
			x.c.References = append(x.c.References, ref)
		}
	}
}

func (x *resolving) warn(where string, problems ...string) {
	for _, p := range problems {
		x.t.Warnings = append(x.t.Warnings, x.label+where+": "+p)
	}
}

// variables replaces the addresses in variables, also those whose host and port are in two of them.
func (x *resolving) variables(vars *variables) {
	raw := vars.values
	vars.values = make(map[string]string, len(raw))
	for _, name := range vars.names {
		value, where := raw[name], ""
		if vars.literal[name] {
			where = name
		}
		rewritten, refs, problems := x.r.rewrite(value, x.namespace, serviceaddr.Variable)
		x.refer(where, refs...)
		x.warn("env "+name, problems...)
		if m, ok := serviceaddr.Stray(name, value, x.namespace, x.r.services); ok && len(refs)+len(problems) == 0 {
			x.warn("env "+name, m.Problem(x.r.services, x.r.serviceNames(m.Service.Namespace)))
		}
		vars.values[name] = rewritten
	}
	pairs, problems := serviceaddr.Pairs(vars.names, raw, x.namespace, x.r.services)
	for _, p := range pairs {
		ref, where := reference(p.Service, p.Number), ""
		if vars.literal[p.Host] {
			where = p.Host
		}
		x.refer(where, ref)
		vars.values[p.Host], vars.values[p.Port] = ref.hostMark(), ref.portMark()
	}
	for _, name := range vars.names {
		if problems[name] != "" {
			x.warn("env "+name, problems[name])
		}
	}
}

// words replaces the addresses in the words of a command, after the variables in it.
func (x *resolving) words(field string, words []string, values map[string]string) (out, expanded []string) {
	for _, w := range words {
		expanded = append(expanded, Expand(w, values))
		text, refs, problems := x.r.rewrite(expanded[len(expanded)-1], x.namespace, serviceaddr.Command)
		where := ""
		if !strings.Contains(w, "$(") {
			where = field
		}
		x.refer(where, refs...)
		x.warn(field, problems...)
		out = append(out, text)
	}
	return out, expanded
}

// command replaces the addresses in a container's command and its arguments, which are one command.
func (x *resolving) command(command, args []string, values map[string]string) {
	var first, rest []string
	x.c.Command, first = x.words("command", command, values)
	x.c.Args, rest = x.words("args", args, values)
	field := "args"
	if len(rest) == 0 {
		field = "command"
	}
	x.warn(field, serviceaddr.Apart(slices.Concat(first, rest), x.namespace, x.r.services)...)
}

// files replaces the addresses in the mounted files of ConfigMaps and Secrets.
func (r *Resolver) files(t *Template, namespace string) {
	for i, v := range t.Pod.Volumes {
		for _, name := range slices.Sorted(maps.Keys(v.Files)) {
			content := v.Files[name]
			text, refs, problems := r.rewrite(string(content), namespace, serviceaddr.Command)
			for _, p := range append(problems, serviceaddr.ApartInFile(string(content), namespace, r.services)...) {
				t.Warnings = append(t.Warnings, "volume "+v.Name+": "+name+": "+p)
			}
			if len(refs) == 0 {
				continue
			}
			t.Pod.Volumes[i].Files[name] = []byte(text)
			for _, all := range [][]Container{t.Pod.InitContainers, t.Pod.Containers} {
				for j := range all {
					if mounts(&all[j], v.Name) {
						(&resolving{r: r, t: t, c: &all[j], namespace: namespace}).refer("", refs...)
					}
				}
			}
		}
	}
}

func mounts(c *Container, volume string) bool {
	return slices.ContainsFunc(c.Mounts, func(m Mount) bool { return m.Volume == volume })
}

// links are the variables by which Kubernetes shows a container the Services of its namespace, unless its pod turns that off:
// REDIS_CART_SERVICE_HOST, REDIS_CART_PORT and so on.
func (r *Resolver) links(spec *corev1.PodSpec, namespace string) (vars *variables, refs []Reference) {
	vars = &variables{}
	if spec.EnableServiceLinks != nil && !*spec.EnableServiceLinks {
		return vars, nil
	}
	for _, name := range r.serviceNames(namespace) {
		prefix := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		ports, _ := r.services(serviceaddr.Service{Namespace: namespace, Name: name})
		for i, number := range ports {
			ref := reference(serviceaddr.Service{Namespace: namespace, Name: name}, number)
			refs = append(refs, ref)
			if i == 0 {
				vars.set(prefix+"_SERVICE_HOST", ref.hostMark())
				vars.set(prefix+"_SERVICE_PORT", ref.portMark())
				vars.set(prefix+"_PORT", "tcp://"+ref.mark())
			}
			each := fmt.Sprintf("%s_PORT_%d_TCP", prefix, number)
			vars.set(each, "tcp://"+ref.mark())
			vars.set(each+"_PROTO", "tcp")
			vars.set(each+"_PORT", ref.portMark())
			vars.set(each+"_ADDR", ref.hostMark())
		}
	}
	return vars, refs
}
