package workload

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"path/filepath"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// revision is the common part of a Deployment's pods at one time. It is immutable.
type revision struct {
	hash     string
	image    string
	template *podspec.Template
	plan     Plan
	// joins: its pods have a sidecar.
	joins bool
	// err is why no pod can be started.
	err error
}

// resolve makes the revision that a Deployment asks for now.
func (c *Controller) resolve(r *podspec.Resolver, d *appsv1.Deployment) *revision {
	rev := &revision{template: r.Resolve(d)}
	if c.cfg.DataDir != "" {
		rev.template.Pod.DataDir = filepath.Join(c.cfg.DataDir, d.Namespace, d.Name)
	}
	rev.template.Pod.ServiceName = d.Name
	if d.Namespace != c.cfg.Namespace {
		rev.template.Pod.ServiceName = d.Namespace + "/" + d.Name
	}
	if all := d.Spec.Template.Spec.Containers; len(all) > 0 {
		rev.image = all[0].Image
	}
	rev.plan = c.cfg.Driver.Plan(&rev.template.Pod)
	rev.err = cmp.Or(rev.plan.Err, rev.template.Err)
	rev.joins = c.joins(d)
	rev.hash = rev.digest(d.Name, &d.Spec.Template)
	return rev
}

// hashAlphabet has no vowels and no look-alikes, so that no hash spells a word.
const hashAlphabet = "bcdfghjklmnpqrstvwxz2456789"

// digest is a hash over what makes one revision of a Deployment: its template, the programs that run its images, and
// which of its values are Services' addresses. As on Kubernetes, what a ConfigMap or a Secret holds is not part of it:
// a container reads that when it starts, and a change reaches it with its next start. Neither are addresses, which
// are filled in for each pod. Nor is a sidecar, where all containers are built-in services.
func (rev *revision) digest(name string, t *corev1.PodTemplateSpec) string {
	h := sha256.New()
	enc := json.NewEncoder(h)
	_ = enc.Encode(name)
	if rev.builtinOnly() {
		t = withoutInjection(t)
	}
	_ = enc.Encode(t) // objects came from JSON: they go back to it
	_ = enc.Encode([]any{rev.plan.Identity, rev.template.Pinned})
	if rev.joins && !rev.builtinOnly() {
		_ = enc.Encode(SidecarName) // the addresses that its programs were started with are those of the sidecar
	}
	return encodeHash(h.Sum(nil)[:9])
}

func encodeHash(b []byte) string {
	out := make([]byte, len(b))
	for i, c := range b {
		out[i] = hashAlphabet[int(c)%len(hashAlphabet)]
	}
	return string(out)
}

// builtin is the built-in service that the first container runs; empty for a command.
func (rev *revision) builtin() string {
	if all := rev.template.Pod.Containers; len(all) > 0 {
		return rev.plan.Builtins[all[0].Name]
	}
	return ""
}
