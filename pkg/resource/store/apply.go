package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/admission"
	"github.com/shopctl/shopctl/pkg/resource/merge"
)

// Result is the outcome of an apply, or with a dry run what it would be.
type Result struct {
	// Changes in the order of the manifests, one for each object.
	Changes []Change
	// Warnings are about fields that are legal but do not do what they seem to.
	Warnings resource.Problems
}

// maxWarnings are enough to begin with.
const maxWarnings = 200

// Apply merges manifests with the live objects, as kubectl apply does: all of them or, if one is wrong, none.
// Fields in a manifest are set, fields in the last one applied to that object but not in this one are removed,
// and other fields stay. namespace is for objects that name none; empty: the shop's.
// The error is of type Problems if it is about the manifests.
func (s *Store) Apply(ctx context.Context, manifests []resource.Manifest, namespace string, dryRun bool) (Result, error) {
	if namespace == "" {
		namespace = s.namespace
	}
	var result Result
	changes, err := s.commit(ctx, dryRun, func(tx *transaction) error {
		var problems resource.Problems
		seen := map[resource.Key]resource.Manifest{}
		for _, m := range manifests {
			m, k, err := m.InNamespace(namespace)
			if err != nil {
				return err
			}
			key := resource.KeyOf(m.Object)
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
		result.Warnings = append(result.Warnings, tx.warnings()...).Sorted().Grouped()
		if more := len(result.Warnings) - maxWarnings; more > 0 {
			result.Warnings = append(result.Warnings[:maxWarnings], resource.Problem{
				Message: fmt.Sprintf("%d more warnings are left out", more),
			})
		}
		return nil
	})
	if err != nil {
		return Result{}, err
	}
	result.Changes = changes
	return result, nil
}

func repeated(key resource.Key, first resource.Manifest) string {
	at := first.At("")
	return fmt.Sprintf("%s is already in %s:%d; the later one wins", key, first.File, at.Line)
}

func (tx *transaction) apply(m resource.Manifest, k resource.Kind) (resource.Problems, error) {
	var live resource.Object
	if e := tx.next.objects[resource.KeyOf(m.Object)]; e != nil {
		live = e.object
	}
	o, err := applied(m, k, live)
	if err != nil {
		return nil, err
	}
	return tx.put(m, k, o), nil
}

// applied is the object that results when a manifest is applied to the live one (nil: there is none yet), before defaults.
func applied(m resource.Manifest, k resource.Kind, live resource.Object) (resource.Object, error) {
	written, err := asWritten(m, k)
	if err != nil {
		return nil, err
	}
	record, err := json.Marshal(written)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", resource.KeyOf(m.Object), err)
	}
	var current, last map[string]any
	if live != nil {
		if current, err = resource.ToTree(live); err != nil {
			return nil, err
		}
		last = lastApplied(live)
	}
	o, err := resource.FromTree(k, merge.ThreeWay(reflect.TypeOf(m.Object), current, last, written))
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

// asWritten is the tree of a manifest without server-managed fields.
func asWritten(m resource.Manifest, k resource.Kind) (map[string]any, error) {
	tree := maps.Clone(m.Written)
	if tree == nil {
		tree = map[string]any{}
	}
	tree, err := normalized(tree)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", resource.KeyOf(m.Object), err)
	}
	tree["apiVersion"], tree["kind"] = k.APIVersion, k.Name
	delete(tree, "status")
	if meta, ok := tree["metadata"].(map[string]any); ok {
		for _, name := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"} {
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

// lastApplied is the manifest that was last applied to an object; nil if none was, or its record is unreadable.
func lastApplied(o resource.Object) map[string]any {
	var tree map[string]any
	if json.Unmarshal([]byte(o.GetAnnotations()[corev1.LastAppliedConfigAnnotation]), &tree) != nil {
		return nil
	}
	return tree
}
