// Package render writes objects for people and programs: as YAML in the order in which one would write a
// manifest, as JSON, and as the difference between two.
package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	yaml "go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/shopctl/shopctl/pkg/resource"
)

// ToYAML writes objects as documents of one stream, complete: "kubectl get -o yaml". Decoded again they are
// the same objects.
func ToYAML(objects ...resource.Object) ([]byte, error) {
	var out bytes.Buffer
	for i, o := range objects {
		if i > 0 {
			out.WriteString("---\n")
		}
		n, err := node(o)
		if err != nil {
			return nil, err
		}
		e := yaml.NewEncoder(&out)
		e.SetIndent(2)
		if err := e.Encode(n); err != nil {
			return nil, fmt.Errorf("write %s: %w", resource.KeyOf(o), err)
		}
		if err := e.Close(); err != nil {
			return nil, fmt.Errorf("write %s: %w", resource.KeyOf(o), err)
		}
	}
	return out.Bytes(), nil
}

// ToYAMLList writes objects as one List, as kubectl does with several.
func ToYAMLList(objects ...resource.Object) ([]byte, error) {
	items := &yaml.Node{Kind: yaml.SequenceNode}
	for _, o := range objects {
		n, err := node(o)
		if err != nil {
			return nil, err
		}
		items.Content = append(items.Content, n)
	}
	if len(objects) == 0 {
		items.Style = yaml.FlowStyle
	}
	word := func(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }
	list := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{word("apiVersion"), word("v1"), word("items"), items, word("kind"), word("List")}}
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(list), e.Close()); err != nil {
		return nil, fmt.Errorf("write list: %w", err)
	}
	return out.Bytes(), nil
}

// ToJSON writes one object, indented, with a final newline, its fields in the same order as in YAML.
func ToJSON(o resource.Object) ([]byte, error) {
	n, err := node(o)
	if err != nil {
		return nil, err
	}
	var compact, out bytes.Buffer
	writeJSON(&compact, n)
	if err := json.Indent(&out, compact.Bytes(), "", "  "); err != nil {
		return nil, fmt.Errorf("write %s: %w", resource.KeyOf(o), err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// Clean returns a copy without what only the store sets, ready to be applied somewhere: no uid, versions,
// times and status, and no record of the last apply.
func Clean(o resource.Object) resource.Object {
	o = resource.Clone(o)
	o.SetUID("")
	o.SetResourceVersion("")
	o.SetGeneration(0)
	o.SetCreationTimestamp(metav1.Time{})
	o.SetManagedFields(nil)
	if annotations := o.GetAnnotations(); annotations != nil {
		delete(annotations, corev1.LastAppliedConfigAnnotation)
		if len(annotations) == 0 {
			o.SetAnnotations(nil)
		}
	}
	if k, err := resource.KindOf(o); err == nil {
		k.ClearStatus(o)
	}
	return o
}

// Diff returns the unified difference of two objects' clean YAML; empty if they are equal. Either may be nil:
// the object is created or deleted. Values of Secrets are replaced by their lengths, with a mark where they differ.
func Diff(before, after resource.Object) (string, error) {
	before, after = masked(before, after)
	was, name, err := cleanYAML(before)
	if err != nil {
		return "", err
	}
	is, newName, err := cleanYAML(after)
	if err != nil {
		return "", err
	}
	if name == "" {
		name = newName
	}
	_, text, _ := strings.Cut(string(diff.Diff("live/"+name, was, "new/"+name, is)), "\n")
	return text, nil
}

func cleanYAML(o resource.Object) (text []byte, name string, err error) {
	if o == nil {
		return nil, "", nil
	}
	text, err = ToYAML(Clean(o))
	return text, resource.KeyOf(o).String(), err
}

// masked hides the values of Secrets, as kubectl diff does.
func masked(before, after resource.Object) (resource.Object, resource.Object) {
	was, _ := before.(*corev1.Secret)
	is, _ := after.(*corev1.Secret)
	if was == nil && is == nil {
		return before, after
	}
	if was != nil {
		before = mask(was, nil, "before")
	}
	if is != nil {
		after = mask(is, was, "after")
	}
	return before, after
}

// Masked hides the values of a Secret, also in the record of what was applied; other objects are what they were.
func Masked(o resource.Object) resource.Object {
	s, ok := o.(*corev1.Secret)
	if !ok {
		return o
	}
	hidden := mask(s, nil, "")
	annotations := hidden.GetAnnotations()
	delete(annotations, corev1.LastAppliedConfigAnnotation)
	if len(annotations) == 0 {
		hidden.SetAnnotations(nil)
	}
	return hidden
}

func mask(s, other *corev1.Secret, mark string) resource.Object {
	hidden := s.DeepCopy()
	hidden.StringData = map[string]string{}
	hidden.Data = nil
	for k, v := range s.Data {
		hidden.StringData[k] = fmt.Sprintf("*** (%d bytes)", len(v))
		if other != nil {
			if old, ok := other.Data[k]; ok && !bytes.Equal(old, v) {
				hidden.StringData[k] += " (" + mark + ")"
			}
		}
	}
	return hidden
}
