package resource

import (
	"crypto/rand"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/shopctl/shopctl/pkg/resource/admission"
)

// builtin makes the shop's own objects from their manifests, with the namespaces that are always there.
func builtin(namespace string, manifests []Manifest) (map[Key]Object, error) {
	objects := map[Key]Object{}
	var problems Problems
	for _, name := range []string{namespace, metav1.NamespaceDefault} {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		m, err := NewManifest(ns)
		if err != nil {
			return nil, err
		}
		objects[KeyOf(ns)] = m.Object
		admission.Default(m.Object)
		problems = append(problems, m.problems(admission.Check(m.Object))...)
	}
	for _, m := range manifests {
		m, k, err := m.inNamespace(namespace)
		if err != nil {
			return nil, err
		}
		o, err := applied(m, k, nil)
		if err != nil {
			return nil, err
		}
		clearServerFields(o)
		admission.Default(o)
		problems = append(problems, m.problems(admission.Check(o))...)
		if objects[KeyOf(o)] != nil {
			problems = append(problems, m.Problem(admission.Issue{Message: "there are two of " + KeyOf(o).String()}))
		}
		objects[KeyOf(o)] = o
	}
	return objects, problems.Err()
}

// assemble lays what was saved over the defaults.
func (s *Store) assemble(saved *state) *state {
	st := &state{revision: saved.revision + 1, objects: map[Key]*entry{}, removed: map[Key]bool{}}
	for key, o := range s.defaults {
		switch {
		case saved.removed[key]:
			st.removed[key] = true
		case saved.objects[key] == nil:
			st.objects[key] = s.fresh(o, OriginDefault, st.revision)
		}
	}
	for key, e := range saved.objects {
		st.objects[key] = &entry{object: e.object, origin: s.originOf(key, e.object)}
	}
	for key := range saved.objects {
		if key.Namespace != "" && !st.hasNamespace(key.Namespace) {
			// The shop lived in another namespace when this was saved.
			ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: key.Namespace}}
			admission.Default(ns)
			st.objects[KeyOf(ns)] = s.fresh(ns, OriginUser, st.revision)
		}
	}
	return st
}

// fresh returns a copy of an object as it is right after its creation.
func (s *Store) fresh(o Object, origin Origin, revision uint64) *entry {
	o = Clone(o)
	if k, err := kindOf(o); err == nil {
		setType(o, k)
	}
	o.SetUID(s.newUID())
	o.SetCreationTimestamp(metav1.NewTime(s.now().UTC().Truncate(1e9)))
	o.SetGeneration(firstGeneration(o))
	o.SetResourceVersion(strconv.FormatUint(revision, 10))
	return &entry{object: o, origin: origin}
}

// randomUID is a version 4 UUID (RFC 9562).
func randomUID() types.UID {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return types.UID(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}
