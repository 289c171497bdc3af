package resource

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/shopctl/shopctl/pkg/resource/admission"
	"github.com/shopctl/shopctl/pkg/resource/monitoring"
	"github.com/shopctl/shopctl/pkg/suggest"
)

// Action is what happened to an object, in kubectl's words.
type Action string

// The actions of a Change.
const (
	ActionCreated    Action = "created"
	ActionConfigured Action = "configured"
	ActionUnchanged  Action = "unchanged"
	ActionDeleted    Action = "deleted"
)

// Change is what happened, or with a dry run would happen, to one object.
type Change struct {
	Key    Key
	Action Action
	// Before is nil for a created object, After for a deleted one.
	Before, After Object
}

// transaction is a change in the making: a copy of the state that is published whole or dropped.
type transaction struct {
	store  *Store
	before *state
	next   *state
	// touched are the keys that were put or deleted, each once, in order.
	touched []Key
	// manifests that put objects came from, for the places of problems.
	manifests map[Key]Manifest
	// changed and kept are the touched keys that differ, and those of them that differ in what the file keeps.
	changed, kept map[Key]bool
}

// commit runs change on a transaction. Memory and file change only if it succeeds, and then both.
func (s *Store) commit(dryRun bool, change func(*transaction) error) ([]Change, error) {
	s.write.Lock()
	defer s.write.Unlock()
	before := s.current.Load()
	tx := &transaction{
		store:  s,
		before: before,
		next: &state{
			revision: before.revision + 1,
			objects:  maps.Clone(before.objects),
			removed:  maps.Clone(before.removed),
		},
		manifests: map[Key]Manifest{},
		changed:   map[Key]bool{},
		kept:      map[Key]bool{},
	}
	if err := change(tx); err != nil {
		return nil, err
	}
	if !dryRun && len(tx.changed) > 0 {
		if len(tx.kept) > 0 {
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

func (tx *transaction) get(key Key) (Object, error) { return Snapshot{tx.next}.Get(key) }

// put checks an object and stores it in place of what stands under its key.
func (tx *transaction) put(m Manifest, o Object) Problems {
	o = Clone(o)
	key := KeyOf(o)
	tx.touch(key)
	m.Object = o
	tx.manifests[key] = m
	live := tx.next.objects[key]
	if live != nil {
		keepServerFields(o, live.object)
	} else {
		clearServerFields(o)
	}
	admission.Default(o)
	issues := admission.Check(o)
	if live != nil {
		issues = append(issues, admission.CheckUpdate(live.object, o)...)
	}
	if len(issues) > 0 {
		return m.problems(issues)
	}
	tx.set(key, o, live)
	return nil
}

// set stores a checked object, unless it equals the live one.
func (tx *transaction) set(key Key, o Object, live *entry) {
	switch {
	case live == nil:
		o.SetUID(tx.store.newUID())
		o.SetCreationTimestamp(metav1.NewTime(tx.store.now().UTC().Truncate(1e9)))
		o.SetGeneration(firstGeneration(o))
	case same(o, live.object):
		return
	case !same(spec(o), spec(live.object)):
		o.SetGeneration(live.object.GetGeneration() + 1)
	}
	o.SetResourceVersion(strconv.FormatUint(tx.next.revision, 10))
	tx.next.objects[key] = &entry{object: o, origin: tx.store.originOf(key, o)}
	delete(tx.next.removed, key)
	tx.changed[key], tx.kept[key] = true, true
}

func (tx *transaction) status(key Key, status appsv1.DeploymentStatus) error {
	o, err := tx.get(key)
	if err != nil {
		return err
	}
	d, ok := o.(*appsv1.Deployment)
	if !ok {
		return fmt.Errorf("set status of %s: it is not a Deployment", key)
	}
	if same(d.Status, status) {
		return nil
	}
	status.DeepCopyInto(&d.Status)
	d.SetResourceVersion(strconv.FormatUint(tx.next.revision, 10))
	tx.next.objects[key] = &entry{object: d, origin: tx.before.objects[key].origin}
	tx.touch(key)
	tx.changed[key] = true
	return nil
}

func (tx *transaction) delete(key Key) error {
	if tx.next.objects[key] == nil {
		if tx.before.objects[key] != nil {
			return nil // gone with its namespace, or named twice
		}
		return tx.next.notFound(key)
	}
	if key.Kind == KindNamespace {
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

func (tx *transaction) remove(key Key) {
	tx.touch(key)
	delete(tx.next.objects, key)
	tx.changed[key], tx.kept[key] = true, true
	if tx.store.defaults[key] != nil {
		tx.next.removed[key] = true
	}
}

func (tx *transaction) reset() {
	for _, key := range tx.next.keys() {
		if tx.store.defaults[key] == nil {
			tx.remove(key)
		}
	}
	for key, o := range tx.store.defaults {
		live := tx.next.objects[key]
		o = Clone(o)
		if live != nil {
			keepServerFields(o, live.object)
		}
		tx.touch(key)
		tx.set(key, o, live)
	}
	if len(tx.before.removed) > 0 {
		tx.next.removed = map[Key]bool{}
	}
}

func (tx *transaction) touch(key Key) {
	if _, ok := tx.manifests[key]; ok {
		return
	}
	tx.manifests[key] = Manifest{}
	tx.touched = append(tx.touched, key)
}

// check finds what is wrong between objects: those in namespaces that do not exist.
func (tx *transaction) check() Problems {
	var problems Problems
	for _, key := range tx.touched {
		if key.Namespace == "" || tx.next.objects[key] == nil || tx.next.hasNamespace(key.Namespace) {
			continue
		}
		problems = append(problems, tx.manifests[key].Problem(admission.Issue{
			Path: "metadata.namespace",
			Message: fmt.Sprintf("namespace %q does not exist%s", key.Namespace,
				suggest.Phrase(key.Namespace, tx.next.names(KindNamespace, ""))),
		}))
	}
	return problems
}

// changes are copies of what the touched objects were and are.
func (tx *transaction) changes() []Change {
	var changes []Change
	for _, key := range tx.touched {
		before, after := tx.before.objects[key], tx.next.objects[key]
		c := Change{Key: key, Action: ActionUnchanged}
		if before != nil {
			c.Before = Clone(before.object)
		}
		if after != nil {
			c.After = Clone(after.object)
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
func (s *Store) originOf(key Key, o Object) Origin {
	d := s.defaults[key]
	if d == nil {
		return OriginUser
	}
	d = Clone(d)
	keepServerFields(d, o)
	d.SetGeneration(o.GetGeneration())
	if same(d, o) {
		return OriginDefault
	}
	return OriginUser
}

// keepServerFields takes over what only the store sets.
func keepServerFields(o, live Object) {
	o.SetUID(live.GetUID())
	o.SetCreationTimestamp(live.GetCreationTimestamp())
	o.SetGeneration(live.GetGeneration())
	o.SetResourceVersion(live.GetResourceVersion())
	o.SetManagedFields(nil)
	switch o := o.(type) {
	case *appsv1.Deployment:
		o.Status = live.(*appsv1.Deployment).Status
	case *corev1.Service:
		o.Status = live.(*corev1.Service).Status
	case *corev1.Namespace:
		o.Status = live.(*corev1.Namespace).Status
	}
}

func clearServerFields(o Object) {
	k, err := kindOf(o)
	if err != nil {
		return
	}
	keepServerFields(o, k.New())
}

// spec is the part of an object whose change makes a new generation; nil for kinds without.
func spec(o Object) any {
	switch o := o.(type) {
	case *appsv1.Deployment:
		return o.Spec
	case *corev1.Service:
		return o.Spec
	case *monitoring.PrometheusRule:
		return o.Spec
	}
	return nil
}

// firstGeneration is 1 for kinds whose objects have generations, else 0.
func firstGeneration(o Object) int64 {
	if spec(o) == nil {
		return 0
	}
	return 1
}

// same compares by JSON, for which nil and empty lists and different spellings of one quantity are the same.
func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errors.Join(errX, errY) == nil && string(x) == string(y)
}
