package kubernetes

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/render"
)

// Directory holds the manifests, beside the kustomization.
const Directory = "objects"

const (
	// namespacesName sorts before all others: kubectl applies a directory in that order.
	namespacesName = Directory + "/0-namespaces.yaml"
	secretsName    = Directory + "/secrets.yaml"
)

// files are the objects, those of one name together, and the kustomization that names them.
func (x *exporter) files() ([]File, error) {
	byFile := map[string][]resource.Object{}
	var names []string
	for _, o := range x.objects {
		name := fileOf(o)
		if byFile[name] == nil {
			names = append(names, name)
		}
		byFile[name] = append(byFile[name], o)
	}
	slices.Sort(names)
	var files []File
	for _, name := range names {
		objects := byFile[name]
		slices.SortStableFunc(objects, func(a, b resource.Object) int { return order(a) - order(b) })
		for i, o := range objects {
			if ofIstio(o) {
				continue // it has no defaults, and stays as it was written
			}
			brief, err := render.Brief(o)
			if err != nil {
				return nil, fmt.Errorf("export %s: %w", resource.KeyOf(o), err)
			}
			objects[i] = brief
		}
		content, err := render.ToYAML(objects...)
		if err != nil {
			return nil, err
		}
		files = append(files, File{Name: name, Content: content, Private: name == secretsName})
	}
	return append(files, kustomization(names)), nil
}

// fileOf is the file of an object.
func fileOf(o resource.Object) string {
	switch o.(type) {
	case *corev1.Namespace:
		return namespacesName
	case *corev1.Secret:
		return secretsName
	}
	name := o.GetName()
	if claim, ok := o.(*corev1.PersistentVolumeClaim); ok {
		name = strings.TrimSuffix(claim.Name, recordsSuffix)
	}
	return Directory + "/" + o.GetNamespace() + "." + name + ".yaml"
}

// order is that in which objects are applied.
func order(o resource.Object) int {
	key := resource.KeyOf(o)
	return slices.IndexFunc(resource.Kinds(), func(k resource.Kind) bool { return k.Name == key.Kind })
}

// kustomization is the file that kubectl apply -k reads.
func kustomization(names []string) File {
	var b bytes.Buffer
	b.WriteString(`# Written by shopctl export kubernetes. Another image, registry or tag: kustomize edit set image NAME=REGISTRY/NAME:TAG
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
`)
	for _, name := range names {
		fmt.Fprintf(&b, "  - %s\n", name)
	}
	return File{Name: "kustomization.yaml", Content: b.Bytes()}
}
