package store

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/suggest"
)

// state is the whole store at one revision. It and the objects in it never change.
type state struct {
	revision uint64
	objects  map[resource.Key]*entry
	// removed are the defaults that the user deleted.
	removed map[resource.Key]bool
	// history has the templates of Deployments that had several.
	history map[resource.Key][]Revision
}

type entry struct {
	object resource.Object
	origin origin
	// source is where the object was written; nil if that is not known.
	source *resource.Source
	// changed is when its spec was; zero if that was before the store was opened.
	changed time.Time
}

// Snapshot is the store at one revision.
type Snapshot struct{ state *state }

// Revision grows with every change; it is the highest resourceVersion in the snapshot, or above it after a deletion.
func (s Snapshot) Revision() uint64 { return s.state.revision }

// Get returns a copy of an object; the error is a *NotFoundError.
func (s Snapshot) Get(key resource.Key) (resource.Object, error) {
	if e, ok := s.state.objects[key]; ok {
		return resource.Clone(e.object), nil
	}
	return nil, s.state.notFound(key)
}

// Source is where an object was written when it was last applied; nil if that is not known. It must not be changed.
func (s Snapshot) Source(key resource.Key) *resource.Source {
	if e, ok := s.state.objects[key]; ok {
		return e.source
	}
	return nil
}

// Changed is when the spec of an object was last changed, or the object made; zero if that was before the store was opened,
// or there is no such object.
func (s Snapshot) Changed(key resource.Key) time.Time {
	if e, ok := s.state.objects[key]; ok {
		return e.changed
	}
	return time.Time{}
}

// List returns copies of all objects of a kind in a namespace ("": in all), by namespace and name.
func (s Snapshot) List(kind, namespace string) []resource.Object {
	var list []resource.Object
	for _, key := range s.state.keys() {
		if key.Kind == kind && (namespace == "" || namespace == key.Namespace) {
			list = append(list, resource.Clone(s.state.objects[key].object))
		}
	}
	return list
}

// All returns copies of all objects of a type in a namespace ("": in all), by namespace and name:
// All[*appsv1.Deployment](snapshot, "").
func All[T resource.Object](s Snapshot, namespace string) []T {
	var list []T
	for _, key := range s.state.keys() {
		if o, ok := s.state.objects[key].object.(T); ok && (namespace == "" || namespace == key.Namespace) {
			list = append(list, resource.Clone(o))
		}
	}
	return list
}

// CheckNamespace returns a *NotFoundError if there is no such namespace: a List in it would be empty without
// saying why.
func (s Snapshot) CheckNamespace(name string) error {
	key := resource.Key{Kind: resource.KindNamespace, Name: name}
	if s.state.objects[key] == nil {
		return s.state.notFound(key)
	}
	return nil
}

func (st *state) keys() []resource.Key { return sortKeys(maps.Keys(st.objects)) }

// sortKeys orders keys by kind (as Kinds does), namespace and name.
func sortKeys(keys iter.Seq[resource.Key]) []resource.Key {
	rank := map[string]int{}
	for i, k := range resource.Kinds() {
		rank[k.Name] = i
	}
	return slices.SortedFunc(keys, func(a, b resource.Key) int {
		return cmp.Or(cmp.Compare(rank[a.Kind], rank[b.Kind]), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
}

func (st *state) hasNamespace(name string) bool {
	return st.objects[resource.Key{Kind: resource.KindNamespace, Name: name}] != nil
}

// names of all objects of a kind in a namespace.
func (st *state) names(kind, namespace string) []string {
	var names []string
	for _, key := range st.keys() {
		if key.Kind == kind && key.Namespace == namespace {
			names = append(names, key.Name)
		}
	}
	return names
}

func (st *state) notFound(key resource.Key) error {
	e := &NotFoundError{Key: key}
	if key.Namespace != "" && !st.hasNamespace(key.Namespace) {
		e.NoNamespace = true
		e.Nearest = suggest.Matches(key.Namespace, st.names(resource.KindNamespace, ""), 1)
		return e
	}
	e.Nearest = suggest.Matches(key.Name, st.names(key.Kind, key.Namespace), 3)
	return e
}

// NotFoundError reports that an object does not exist.
type NotFoundError struct {
	Key resource.Key
	// NoNamespace is true where already the namespace does not exist.
	NoNamespace bool
	// Nearest names (of namespaces, if NoNamespace), the closest first.
	Nearest []string
}

func (e *NotFoundError) Error() string {
	text := fmt.Sprintf("%s not found", e.Key)
	switch {
	case e.NoNamespace:
		text = fmt.Sprintf("namespace %q not found", e.Key.Namespace)
	case e.Key.Namespace != "":
		text += fmt.Sprintf(" in namespace %q", e.Key.Namespace)
	}
	if len(e.Nearest) > 0 {
		text += fmt.Sprintf("; did you mean %q?", e.Nearest[0])
	}
	return text
}
