package store

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/admission"
	"github.com/shopctl/shopctl/pkg/suggest"
)

// Action is the change of an object, in kubectl's words.
type Action string

// The actions of a Change.
const (
	ActionCreated    Action = "created"
	ActionConfigured Action = "configured"
	ActionUnchanged  Action = "unchanged"
	ActionDeleted    Action = "deleted"
)

// Change is a change of one object, made or, in a dry run, intended.
type Change struct {
	Key    resource.Key
	Action Action
	// Before is nil for a created object, After for a deleted one.
	Before, After resource.Object
}

// transaction is a change that is being made: a copy of the state that is published whole or dropped.
type transaction struct {
	store  *Store
	before *state
	next   *state
	// touched are the keys that were put or deleted, each once, in order.
	touched []resource.Key
	// manifests that put objects came from, for the places of problems.
	manifests map[resource.Key]resource.Manifest
	// changed and kept are the touched keys that differ, and those of them that differ in what the file keeps.
	changed, kept map[resource.Key]bool
	// moved: an object that is as it was stands at other lines of a file.
	moved bool
}

// commit runs change on a transaction. Memory and file change only if it succeeds, and then both. A change whose ctx
// has ended while it waited for another is not begun.
func (s *Store) commit(ctx context.Context, dryRun bool, change func(*transaction) error) ([]Change, error) {
	s.write.Lock()
	defer s.write.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	before := s.current.Load()
	tx := &transaction{
		store:  s,
		before: before,
		next: &state{
			revision: before.revision + 1,
			objects:  maps.Clone(before.objects),
			removed:  maps.Clone(before.removed),
			history:  maps.Clone(before.history),
		},
		manifests: map[resource.Key]resource.Manifest{},
		changed:   map[resource.Key]bool{},
		kept:      map[resource.Key]bool{},
	}
	if err := change(tx); err != nil {
		return nil, err
	}
	for key := range tx.kept {
		tx.record(key)
	}
	if check, ok := ctx.Value(checkKey{}).(Check); ok {
		if err := check(Snapshot{before}, Snapshot{tx.next}); err != nil {
			return nil, err
		}
	}
	if !dryRun && (tx.moved || len(tx.changed) > 0) {
		if tx.moved || len(tx.kept) > 0 {
			if err := save(s.path, tx.next); err != nil {
				return nil, err
			}
		}
		kinds := map[string]bool{}
		for key := range tx.changed {
			kinds[key.Kind] = true
		}
		s.publish(tx.next, kinds)
	}
	return tx.changes(), nil
}

func (tx *transaction) get(key resource.Key) (resource.Object, error) {
	return Snapshot{tx.next}.Get(key)
}

// put checks an object of a kind and stores it in place of the one with the same key.
func (tx *transaction) put(m resource.Manifest, k resource.Kind, o resource.Object) resource.Problems {
	o = resource.Clone(o)
	key := resource.KeyOf(o)
	tx.touch(key)
	m.Object = o
	tx.manifests[key] = m
	live := tx.next.objects[key]
	if live != nil {
		keepServerFields(o, live.object)
	} else {
		clearServerFields(o)
	}
	k.Default(o)
	issues := k.Check(o)
	if live != nil {
		issues = append(issues, k.CheckUpdate(live.object, o)...)
	}
	if len(issues) > 0 {
		return m.Problems(issues)
	}
	tx.set(key, o, live, m.Source())
	return nil
}

// set stores a checked object, unless it equals the live one, and where it was written.
func (tx *transaction) set(key resource.Key, o resource.Object, live *entry, source *resource.Source) {
	changed := tx.store.now()
	switch {
	case live == nil:
		o.SetUID(tx.store.newUID())
		o.SetCreationTimestamp(metav1.NewTime(tx.store.now().UTC().Truncate(1e9)))
		o.SetGeneration(firstGeneration(o))
	case admission.Equal(o, live.object):
		tx.move(key, live, source)
		return
	case !admission.Equal(spec(o), spec(live.object)):
		o.SetGeneration(live.object.GetGeneration() + 1)
	default:
		changed = live.changed // its spec still is what was written there
		if source == nil {
			source = live.source
		}
	}
	o.SetResourceVersion(strconv.FormatUint(tx.next.revision, 10))
	tx.next.objects[key] = &entry{object: o, origin: tx.store.originOf(key, o), source: source, changed: changed}
	delete(tx.next.removed, key)
	tx.changed[key], tx.kept[key] = true, true
}

// move notes where an object that is as it was is written now.
func (tx *transaction) move(key resource.Key, live *entry, source *resource.Source) {
	if source == nil || reflect.DeepEqual(source, live.source) {
		return
	}
	tx.next.objects[key] = &entry{object: live.object, origin: live.origin, source: source, changed: live.changed}
	tx.moved = true
}

func (tx *transaction) status(key resource.Key, status appsv1.DeploymentStatus) error {
	o, err := tx.get(key)
	if err != nil {
		return err
	}
	d, ok := o.(*appsv1.Deployment)
	if !ok {
		return fmt.Errorf("set status of %s: it is not a Deployment", key)
	}
	if admission.Equal(d.Status, status) {
		return nil
	}
	status.DeepCopyInto(&d.Status)
	d.SetResourceVersion(strconv.FormatUint(tx.next.revision, 10))
	tx.next.objects[key] = &entry{object: d, origin: tx.before.objects[key].origin}
	tx.touch(key)
	tx.changed[key] = true
	return nil
}

func (tx *transaction) delete(key resource.Key) error {
	if tx.next.objects[key] == nil {
		if tx.before.objects[key] != nil {
			return nil // gone with its namespace, or named twice
		}
		return tx.next.notFound(key)
	}
	if key.Kind == resource.KindNamespace {
		if key.Name == tx.store.namespace || key.Name == metav1.NamespaceDefault {
			return fmt.Errorf("delete %s: the shop needs this namespace", key)
		}
		for _, other := range tx.next.keys() {
			if other.Namespace == key.Name {
				tx.remove(other)
			}
		}
	}
	tx.remove(key)
	return nil
}

func (tx *transaction) remove(key resource.Key) {
	tx.touch(key)
	delete(tx.next.objects, key)
	tx.changed[key], tx.kept[key] = true, true
	if tx.store.defaults[key] != nil {
		tx.next.removed[key] = true
	}
}

func (tx *transaction) touch(key resource.Key) {
	if _, ok := tx.manifests[key]; ok {
		return
	}
	tx.manifests[key] = resource.Manifest{}
	tx.touched = append(tx.touched, key)
}

// check finds objects in namespaces that do not exist.
func (tx *transaction) check() resource.Problems {
	var problems resource.Problems
	for _, key := range tx.touched {
		if key.Namespace == "" || tx.next.objects[key] == nil || tx.next.hasNamespace(key.Namespace) {
			continue
		}
		problems = append(problems, tx.manifests[key].Problem(admission.Issue{
			Path: "metadata.namespace",
			Message: fmt.Sprintf("namespace %q does not exist%s", key.Namespace,
				suggest.Phrase(key.Namespace, tx.next.names(resource.KindNamespace, ""))),
		}))
	}
	return problems
}

// changes are copies of the touched objects, before and after.
func (tx *transaction) changes() []Change {
	var changes []Change
	for _, key := range tx.touched {
		before, after := tx.before.objects[key], tx.next.objects[key]
		c := Change{Key: key, Action: ActionUnchanged}
		if before != nil {
			c.Before = resource.Clone(before.object)
		}
		if after != nil {
			c.After = resource.Clone(after.object)
		}
		switch {
		case before == nil && after == nil:
			continue
		case before == nil:
			c.Action = ActionCreated
		case after == nil:
			c.Action = ActionDeleted
		case tx.changed[key]:
			c.Action = ActionConfigured
		}
		changes = append(changes, c)
	}
	return changes
}

// originOf compares an object with the shop's own under that key.
func (s *Store) originOf(key resource.Key, o resource.Object) origin {
	d := s.defaults[key]
	if d == nil {
		return originUser
	}
	d = resource.Clone(d)
	keepServerFields(d, o)
	d.SetGeneration(o.GetGeneration())
	if admission.Equal(d, o) {
		return originDefault
	}
	return originUser
}

// keepServerFields copies the server-managed fields of the live object.
func keepServerFields(o, live resource.Object) {
	o.SetUID(live.GetUID())
	o.SetCreationTimestamp(live.GetCreationTimestamp())
	o.SetGeneration(live.GetGeneration())
	o.SetResourceVersion(live.GetResourceVersion())
	o.SetManagedFields(nil)
	o.SetSelfLink("")
	o.SetDeletionTimestamp(nil)
	o.SetDeletionGracePeriodSeconds(nil)
	if k, err := resource.KindOf(o); err == nil {
		k.CopyStatus(o, live)
	}
}

func clearServerFields(o resource.Object) {
	if k, err := resource.KindOf(o); err == nil {
		keepServerFields(o, k.New())
	}
}

// spec is the part of an object whose change makes a new generation; nil for kinds without.
func spec(o resource.Object) any {
	k, err := resource.KindOf(o)
	if err != nil {
		return nil
	}
	return k.Spec(o)
}

// firstGeneration is 1 for kinds whose objects have generations, else 0.
func firstGeneration(o resource.Object) int64 {
	if spec(o) == nil {
		return 0
	}
	return 1
}

// warnings are those about the applied objects, by themselves and in relation to others.
func (tx *transaction) warnings() resource.Problems {
	var problems resource.Problems
	for _, key := range tx.touched {
		e := tx.next.objects[key]
		if e == nil {
			continue
		}
		if k, err := resource.KindOf(e.object); err == nil {
			problems = append(problems, tx.manifests[key].Problems(k.Warnings(e.object, neighbors{tx.next}))...)
		}
	}
	return problems
}

// neighbors implements resource.Objects.
type neighbors struct{ state *state }

func (n neighbors) Find(key resource.Key) resource.Object {
	if e := n.state.objects[key]; e != nil {
		return e.object
	}
	return nil
}

func (n neighbors) Names(kind, namespace string) []string { return n.state.names(kind, namespace) }
