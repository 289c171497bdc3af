package store

import (
	"crypto/rand"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/admission"
)

// builtin makes the shop's own objects from their manifests, with the namespaces that are always there.
func builtin(namespace string, manifests []resource.Manifest) (map[resource.Key]resource.Object, error) {
	objects := map[resource.Key]resource.Object{}
	var problems resource.Problems
	for _, name := range []string{namespace, metav1.NamespaceDefault} {
		m, err := resource.NewManifest(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
		if err != nil {
			return nil, err
		}
		k, err := resource.KindOf(m.Object)
		if err != nil {
			return nil, err
		}
		k.Default(m.Object)
		objects[resource.KeyOf(m.Object)] = m.Object
		problems = append(problems, m.Problems(k.Check(m.Object))...)
	}
	for _, m := range manifests {
		m, k, err := m.InNamespace(namespace)
		if err != nil {
			return nil, err
		}
		o, err := applied(m, k, nil)
		if err != nil {
			return nil, err
		}
		clearServerFields(o)
		k.Default(o)
		problems = append(problems, m.Problems(k.Check(o))...)
		if objects[resource.KeyOf(o)] != nil {
			problems = append(problems, m.Problem(admission.Issue{Message: "defined twice: " + resource.KeyOf(o).String()}))
		}
		objects[resource.KeyOf(o)] = o
	}
	return objects, problems.Err()
}

// assemble lays what was saved over the defaults.
func (s *Store) assemble(saved *state) *state {
	st := &state{revision: saved.revision + 1, objects: map[resource.Key]*entry{}, removed: map[resource.Key]bool{}, history: saved.history}
	for key, o := range s.defaults {
		switch {
		case saved.removed[key]:
			st.removed[key] = true
		case saved.objects[key] == nil:
			st.objects[key] = s.fresh(o, originDefault, st.revision)
		}
	}
	for key, e := range saved.objects {
		st.objects[key] = &entry{object: e.object, origin: s.originOf(key, e.object), source: e.source}
	}
	for key := range saved.objects {
		if key.Namespace != "" && !st.hasNamespace(key.Namespace) {
			// The shop lived in another namespace when this was saved.
			ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: key.Namespace}}
			if k, err := resource.KindOf(ns); err == nil {
				k.Default(ns)
			}
			st.objects[resource.KeyOf(ns)] = s.fresh(ns, originUser, st.revision)
		}
	}
	return st
}

// fresh returns a copy of an object with the server-managed fields of a new one.
func (s *Store) fresh(o resource.Object, origin origin, revision uint64) *entry {
	o = resource.Clone(o)
	if k, err := resource.KindOf(o); err == nil {
		k.SetType(o)
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
