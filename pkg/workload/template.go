package workload

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// servicePort names one port of a Service.
type servicePort struct {
	service orchestrator.Key
	port    int32
}

// resolver turns pod templates into revisions, against one view of the objects.
type resolver struct {
	cfg     *Config
	objects Objects
	images  Images
	// addrs are the stable addresses.
	addrs map[servicePort]string
}

// revision is what the instances of one pod template have in common, with all references resolved. It is
// never changed once made.
type revision struct {
	hash    string
	labels  map[string]string
	version string
	image   string
	program program
	// command is the program's, with its variables filled in; nil for a built-in one.
	command []string
	vars    *variables
	refs    []Reference
	volumes []volume
	ports   []corev1.ContainerPort
	probes  probes
	grace   time.Duration
	dataDir string
	// pinned are the addresses of Services that the template itself names: an instance that was told
	// another one has to be replaced.
	pinned []string
	// err is why no instance can be started: an unknown image, a missing ConfigMap.
	err error
	// warnings are about what is legal but has no effect here.
	warnings []string
}

// resolve makes the revision that a Deployment asks for now.
func (r *resolver) resolve(d *appsv1.Deployment) *revision {
	t := &d.Spec.Template
	rev := &revision{labels: t.Labels, version: t.Labels["version"], grace: 30 * time.Second}
	if s := t.Spec.TerminationGracePeriodSeconds; s != nil {
		rev.grace = time.Duration(*s) * time.Second
	}
	if len(t.Spec.Containers) == 0 {
		rev.err = fmt.Errorf("the pod template has no container")
	} else {
		rev.err = r.resolveContainer(rev, d, &t.Spec.Containers[0])
	}
	for _, c := range slices.Concat(t.Spec.InitContainers, t.Spec.Containers[min(1, len(t.Spec.Containers)):]) {
		rev.warnings = append(rev.warnings, fmt.Sprintf("container %q does not run on one machine: an instance is its first container", c.Name))
	}
	rev.hash = rev.digest(d.Name, t)
	return rev
}

func (r *resolver) resolveContainer(rev *revision, d *appsv1.Deployment, c *corev1.Container) error {
	t := &d.Spec.Template
	rev.image, rev.ports = c.Image, c.Ports
	rev.probes = newProbes(c)
	prog, err := r.images.program(r.cfg.Builtin, c.Image, c.Command, c.Args)
	if err != nil {
		return err
	}
	rev.program = prog
	rev.version = cmp.Or(rev.version, prog.tag)
	if prog.builtin != "" && len(c.Args) > 0 {
		rev.warnings = append(rev.warnings, fmt.Sprintf("args of container %q have no effect: %s is built in and takes its settings from env", c.Name, prog.builtin))
	}
	pod := podScope{
		namespace: d.Namespace, serviceAccount: t.Spec.ServiceAccountName,
		labels: t.Labels, annotations: t.Annotations,
		ownPort: prog.builtin == "", portGiven: true,
	}
	var missing error
	rev.vars, missing = r.env(pod, c)
	for _, name := range rev.vars.names {
		value, ref, warning := r.rewrite(rev.vars.values[name], d.Namespace)
		if warning != "" {
			rev.warnings = append(rev.warnings, "env "+name+": "+warning)
		}
		if ref != nil && rev.vars.literal[name] {
			rev.pinned = append(rev.pinned, name+"="+value)
		}
		rev.vars.values[name] = value
		rev.refs = addReference(rev.refs, ref)
	}
	if missing != nil {
		return missing
	}
	rev.command = make([]string, len(prog.command))
	for i, arg := range prog.command {
		rev.command[i] = expand(arg, rev.vars.values)
	}
	if rev.volumes, err = r.volumes(pod, &t.Spec, c); err != nil {
		return err
	}
	if r.cfg.DataDir != "" {
		rev.dataDir = filepath.Join(r.cfg.DataDir, d.Namespace, d.Name)
	}
	return nil
}

// hashAlphabet has no vowels and no look-alikes, so that no hash spells a word.
const hashAlphabet = "bcdfghjklmnpqrstvwxz2456789"

// digest is a hash over what makes one revision of a Deployment: its template, the program that stands for
// its image, and the addresses of the Services that it names. As on Kubernetes, what a ConfigMap or a Secret
// holds is no part of it. An instance reads that when it starts, and a change reaches it with its next start.
func (rev *revision) digest(name string, t *corev1.PodTemplateSpec) string {
	h := sha256.New()
	enc := json.NewEncoder(h)
	_ = enc.Encode(name)
	_ = enc.Encode(t) // objects came from JSON: they go back to it
	_ = enc.Encode([]any{rev.program.builtin, rev.program.command, rev.program.dir, rev.pinned})
	return spell(h.Sum(nil)[:9])
}

func spell(b []byte) string {
	out := make([]byte, len(b))
	for i, c := range b {
		out[i] = hashAlphabet[int(c)%len(hashAlphabet)]
	}
	return string(out)
}

// spec is what one instance is started from. Its volumes lie in dir.
func (rev *revision) spec(pod string, owner orchestrator.Key, port int, dir string, environ []string) Spec {
	fill := strings.NewReplacer(podNameMark, pod, podPortMark, fmt.Sprint(port))
	local := func(text string) string { return relocate(fill.Replace(text), dir, rev.volumes) }
	s := Spec{
		Name: pod, Workload: owner.Name, Namespace: owner.Namespace, Version: rev.version,
		Builtin: rev.program.builtin, Dir: rev.program.dir, Port: port, DataDir: rev.dataDir,
	}
	if len(rev.command) > 0 {
		s.Env = slices.Clone(environ)
	}
	for _, arg := range rev.command {
		s.Command = append(s.Command, local(arg))
	}
	for _, name := range rev.vars.names {
		if name != "PORT" {
			s.Env = append(s.Env, name+"="+local(rev.vars.values[name]))
		}
	}
	return s
}

// listensOn tells whether an instance of this revision serves a Service's target port: a declared
// container port, or any number where the template declares none.
func (rev *revision) listensOn(name string, number int32) bool {
	if len(rev.ports) == 0 {
		return name == ""
	}
	return slices.ContainsFunc(rev.ports, func(p corev1.ContainerPort) bool {
		if name != "" {
			return p.Name == name
		}
		return p.ContainerPort == number
	})
}

// services is the set of Services that the revision's instances call.
func (rev *revision) services() []orchestrator.Key {
	var keys []orchestrator.Key
	for _, ref := range rev.refs {
		if !slices.Contains(keys, ref.Service) {
			keys = append(keys, ref.Service)
		}
	}
	return keys
}
