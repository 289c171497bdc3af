package resource

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource/admission"
	"github.com/shopctl/shopctl/pkg/resource/merge"
)

// Result is what an apply did, or with a dry run would do.
type Result struct {
	// Changes in the order of the manifests, one for each object.
	Changes []Change
	// Warnings are about what is legal but does not do what it seems to.
	Warnings Problems
}

// Apply merges manifests with what is there, as kubectl apply does: all of them or, if one is wrong, none.
// What a manifest names is set, what the last one applied to that object named and this one does not is
// removed, and what others set stays. namespace is for objects that name none; empty: the shop's.
// The error is of type Problems if it is about the manifests.
func (s *Store) Apply(manifests []Manifest, namespace string, dryRun bool) (Result, error) {
	if namespace == "" {
		namespace = s.namespace
	}
	var result Result
	changes, err := s.commit(dryRun, func(tx *transaction) error {
		var problems Problems
		seen := map[Key]Manifest{}
		for _, m := range manifests {
			m, k, err := m.inNamespace(namespace)
			if err != nil {
				return err
			}
			key := KeyOf(m.Object)
			if first, twice := seen[key]; twice {
				result.Warnings = append(result.Warnings, m.Problem(admission.Issue{Message: repeated(key, first)}))
			}
			seen[key] = m
			found, err := tx.apply(m, k)
			if err != nil {
				return err
			}
			problems = append(problems, found...)
		}
		if err := append(problems, tx.check()...).Err(); err != nil {
			return err
		}
		result.Warnings = append(result.Warnings, tx.warnings()...).Sorted()
		return nil
	})
	if err != nil {
		return Result{}, err
	}
	result.Changes = changes
	return result, nil
}

func repeated(key Key, first Manifest) string {
	at := first.At("")
	return fmt.Sprintf("%s stands already in %s:%d; the later one wins", key, first.File, at.Line)
}

func (tx *transaction) apply(m Manifest, k Kind) (Problems, error) {
	var live Object
	if e := tx.next.objects[KeyOf(m.Object)]; e != nil {
		live = e.object
	}
	o, err := applied(m, k, live)
	if err != nil {
		return nil, err
	}
	return tx.put(m, o), nil
}

// applied is what becomes of an object (nil: there is none yet) when a manifest is applied to it, before defaults.
func applied(m Manifest, k Kind, live Object) (Object, error) {
	written, err := asWritten(m, k)
	if err != nil {
		return nil, err
	}
	record, err := json.Marshal(written)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", KeyOf(m.Object), err)
	}
	var current, last map[string]any
	if live != nil {
		if current, err = toTree(live); err != nil {
			return nil, err
		}
		last = lastApplied(live)
	}
	o, err := fromTree(k, merge.ThreeWay(reflect.TypeOf(m.Object), current, last, written))
	if err != nil {
		return nil, err
	}
	annotations := maps.Clone(o.GetAnnotations())
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[corev1.LastAppliedConfigAnnotation] = string(record)
	o.SetAnnotations(annotations)
	return o, nil
}

// asWritten is the tree of a manifest without what only the store sets, with stringData folded into data, so
// that a key that leaves stringData leaves the Secret (kubectl forgets it there).
func asWritten(m Manifest, k Kind) (map[string]any, error) {
	tree := maps.Clone(m.Written)
	if tree == nil {
		tree = map[string]any{}
	}
	if s, ok := m.Object.(*corev1.Secret); ok && len(s.StringData) > 0 {
		folded := s.DeepCopy()
		admission.Default(folded)
		tree["data"] = folded.Data
		delete(tree, "stringData")
	}
	tree, err := normalized(tree)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", KeyOf(m.Object), err)
	}
	tree["apiVersion"], tree["kind"] = k.APIVersion, k.Name
	delete(tree, "status")
	if meta, ok := tree["metadata"].(map[string]any); ok {
		for _, name := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"} {
			delete(meta, name)
		}
		if annotations, ok := meta["annotations"].(map[string]any); ok {
			delete(annotations, corev1.LastAppliedConfigAnnotation)
		}
	}
	return tree, nil
}

// normalized gives a tree the types that encoding/json would.
func normalized(tree map[string]any) (map[string]any, error) {
	data, err := json.Marshal(tree)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	err = json.Unmarshal(data, &out)
	return out, err
}

// lastApplied is the manifest that was applied to an object last; nil if none was, or its record is unreadable.
func lastApplied(o Object) map[string]any {
	var tree map[string]any
	if json.Unmarshal([]byte(o.GetAnnotations()[corev1.LastAppliedConfigAnnotation]), &tree) != nil {
		return nil
	}
	return tree
}
