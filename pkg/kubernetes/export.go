// Package kubernetes writes the objects of a shop as manifests for a cluster: plain YAML and a kustomization.
//
// The objects stay what they are, but for what only a cluster needs or only a shop on one machine has. The built-in
// services become containers of the one image of this binary (package image). What the orchestrator on this machine does for
// them is written out: variables, a directory for their records, a drain that waits for the cluster's endpoints. Fields that
// an API server fills in by itself are left out, so that the files read as if written by hand.
package kubernetes

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/render"
)

// Options says what an export is for.
type Options struct {
	// Image is the reference of this binary's image in the cluster: "registry.example/shopctl:v1".
	Image string
	// Istio: Istio's objects are written too, and namespaces get the label by which Istio gives pods their sidecars.
	Istio bool
	// OTLP is where containers send their spans, over gRPC: "http://collector.observability:4317"; empty: nowhere.
	OTLP string
	// Secrets: the values of Secrets are written.
	Secrets bool
	// Ephemeral: data is lost with its pod. No volumes are claimed, for a cluster that provides none.
	Ephemeral bool
}

// File is one file of an export.
type File struct {
	// Name is its path, relative to the directory of the export.
	Name    string
	Content []byte
	// Private: others must not read it.
	Private bool
}

// Export is what to write, and what to say of it.
type Export struct {
	Files []File
	// Warnings are about what does not come along, or is not the same on a cluster.
	Warnings []string
	// Namespaces are those of the objects, sorted.
	Namespaces []string
}

// exporter collects an export.
type exporter struct {
	o        Options
	objects  []resource.Object
	warnings []string
	// omitted counts the objects that are left out, by why.
	omitted map[string]int
}

const (
	omittedRules = "PrometheusRule"
	omittedIstio = "Istio object"
)

// New makes the export of all objects of a shop. They are not changed.
func New(objects []resource.Object, o Options) (*Export, error) {
	x := &exporter{o: o, omitted: map[string]int{}}
	for _, object := range objects {
		if err := x.add(resource.Clone(object)); err != nil {
			return nil, fmt.Errorf("export %s: %w", resource.KeyOf(object), err)
		}
	}
	x.label()
	x.summarize()
	files, err := x.files()
	if err != nil {
		return nil, err
	}
	return &Export{Files: files, Warnings: x.warnings, Namespaces: x.namespaces()}, nil
}

// add takes one object along, or not.
func (x *exporter) add(o resource.Object) error {
	o = render.Clean(o)
	clean(o)
	switch key := resource.KeyOf(o); {
	case key.Kind == resource.KindPrometheusRule:
		x.omitted[omittedRules]++
		return nil
	case ofIstio(o) && !x.o.Istio:
		x.omitted[omittedIstio]++
		return nil
	case key.Kind == resource.KindPersistentVolumeClaim && x.o.Ephemeral:
		return nil
	case key.Kind == resource.KindSecret && !x.o.Secrets:
		x.warnings = append(x.warnings, withoutValues(o.(*corev1.Secret)))
		return nil
	case key.Kind == resource.KindDeployment:
		return x.deployment(o)
	}
	x.objects = append(x.objects, o)
	return nil
}

// clean removes what only shopctl and an API server write into metadata and specs.
func clean(o resource.Object) {
	annotations := o.GetAnnotations()
	delete(annotations, resource.StoppedReplicasAnnotation)
	if len(annotations) == 0 {
		o.SetAnnotations(nil)
	}
	if ns, ok := o.(*corev1.Namespace); ok {
		delete(ns.Labels, corev1.LabelMetadataName)
		if len(ns.Labels) == 0 {
			ns.Labels = nil
		}
		ns.Spec = corev1.NamespaceSpec{}
	}
}

// withoutValues says how to make a Secret whose values are not written.
func withoutValues(s *corev1.Secret) string {
	keys := make([]string, 0, len(s.Data))
	for key := range s.Data {
		keys = append(keys, "--from-literal="+key+"=...")
	}
	slices.Sort(keys)
	words := append([]string{"kubectl --namespace", s.Namespace, "create secret generic", s.Name}, keys...)
	if s.Type != "" && s.Type != corev1.SecretTypeOpaque {
		words = append(words, "--type="+string(s.Type))
	}
	return fmt.Sprintf("secret/%s is left out, as its values would be readable in a file: %s  # or export with --secrets", s.Name, strings.Join(words, " "))
}

// label marks namespaces for Istio's injector, unless they say themselves what they want.
func (x *exporter) label() {
	for _, o := range x.objects {
		if ns, ok := o.(*corev1.Namespace); ok && x.o.Istio && ns.Labels[resource.InjectionLabel] == "" {
			ns.Labels = merged(ns.Labels, map[string]string{resource.InjectionLabel: "enabled"})
		}
	}
	used := x.namespaces()
	x.objects = slices.DeleteFunc(x.objects, func(o resource.Object) bool {
		ns, ok := o.(*corev1.Namespace)
		return ok && ns.Name == metav1.NamespaceDefault && !slices.Contains(used, ns.Name) // each cluster has it
	})
}

// summarize warns of what was left out.
func (x *exporter) summarize() {
	if n := x.omitted[omittedRules]; n > 0 {
		x.warnings = append(x.warnings, humanize.Count(n, omittedRules)+" left out, as only a cluster with Prometheus' operator knows them; as rule files: shopctl export prometheus")
	}
	if n := x.omitted[omittedIstio]; n > 0 {
		x.warnings = append(x.warnings, humanize.Count(n, omittedIstio)+" left out, as only a cluster with Istio knows them: export with --mesh istio")
	}
}

// namespaces are those that objects are in, sorted.
func (x *exporter) namespaces() []string {
	var all []string
	for _, o := range x.objects {
		if n := o.GetNamespace(); n != "" {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// merged is a map with the entries of another that it does not have.
func merged(m, more map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range more {
		out[k] = v
	}
	for k, v := range m {
		out[k] = v
	}
	return out
}

// ofIstio reports whether an object is of a kind that a cluster knows that has Istio.
func ofIstio(o resource.Object) bool {
	k, err := resource.KindOf(o)
	return err == nil && strings.Contains(k.APIVersion, ".istio.io/")
}
