package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/admission"
)

// ConflictError reports that an object is not any more as it was when its manifest was read.
type ConflictError struct{ Key resource.Key }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("replace %s: the object has been modified since it was read; read it again, and apply your changes to that", e.Key)
}

// ExistsError reports that an object exists that was to be created.
type ExistsError struct{ Key resource.Key }

func (e *ExistsError) Error() string { return fmt.Sprintf("%s already exists", e.Key) }

// Expect is what must be true of the objects that Replace writes.
type Expect struct {
	// Unchanged: an object whose manifest has a resource version must still have it, else the error is a *ConflictError.
	Unchanged bool
	// Absent: none exists, else the error is an *ExistsError.
	Absent bool
	// Present: all exist, else the error is a *NotFoundError.
	Present bool
}

// check returns why an object is not as expected. version is the one in its manifest.
func (x Expect) check(s *state, key resource.Key, version string) error {
	live := s.objects[key]
	switch {
	case x.Absent && live != nil:
		return &ExistsError{key}
	case x.Present && live == nil:
		return s.notFound(key)
	case x.Unchanged && version != "" && (live == nil || live.object.GetResourceVersion() != version):
		return &ConflictError{key}
	}
	return nil
}

// Replace makes objects what manifests say and nothing more: all of them, or none. namespace is for objects that name none;
// empty: the shop's.
func (s *Store) Replace(ctx context.Context, manifests []resource.Manifest, namespace string, expect Expect, dryRun bool) (Result, error) {
	if namespace == "" {
		namespace = s.namespace
	}
	var result Result
	changes, err := s.commit(ctx, dryRun, func(tx *transaction) error {
		var problems resource.Problems
		for _, m := range manifests {
			m, k, err := m.InNamespace(namespace)
			if err != nil {
				return err
			}
			key := resource.KeyOf(m.Object)
			if err := expect.check(tx.next, key, m.Object.GetResourceVersion()); err != nil {
				return err
			}
			problems = append(problems, tx.put(m, k, m.Object)...)
		}
		if err := append(problems, tx.check()...).Err(); err != nil {
			return err
		}
		result.Warnings = tx.newWarnings().Sorted().Grouped()
		return nil
	})
	if err != nil {
		return Result{}, err
	}
	result.Changes = changes
	return result, nil
}

// newWarnings are those about the touched objects that were not true of them before.
func (tx *transaction) newWarnings() resource.Problems {
	var problems resource.Problems
	for _, key := range tx.touched {
		e := tx.next.objects[key]
		if e == nil {
			continue
		}
		k, err := resource.KindOf(e.object)
		if err != nil {
			continue
		}
		issues := k.Warnings(e.object, neighbors{tx.next})
		if was := tx.before.objects[key]; was != nil {
			old := k.Warnings(was.object, neighbors{tx.before})
			issues = slices.DeleteFunc(issues, func(i admission.Issue) bool { return slices.Contains(old, i) })
		}
		problems = append(problems, tx.manifests[key].Problems(issues)...)
	}
	return problems
}
