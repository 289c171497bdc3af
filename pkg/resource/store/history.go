package store

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/admission"
)

// ChangeCauseAnnotation says why a Deployment was changed; kubectl's rollout history shows it.
const ChangeCauseAnnotation = "kubernetes.io/change-cause"

// Revision is a pod template that a Deployment had, or has. It must not be changed.
type Revision struct {
	// Number is 1 for the first; a template that is used again gets the next number.
	Number   int64                  `json:"number"`
	Template corev1.PodTemplateSpec `json:"template"`
	// Created is when the Deployment got the template for the first time; zero if that was before the store was opened.
	Created time.Time `json:"created,omitzero"`
	// Cause is the Deployment's ChangeCauseAnnotation.
	Cause string `json:"cause,omitempty"`
}

// Revisions are the kept templates of a Deployment, the oldest first; the last one is the present one. There are none of what
// is not a Deployment.
func (s Snapshot) Revisions(key resource.Key) []Revision {
	e := s.state.objects[key]
	if e == nil {
		return nil
	}
	d, ok := e.object.(*appsv1.Deployment)
	if !ok {
		return nil
	}
	if kept := s.state.history[key]; len(kept) > 0 {
		return slices.Clone(kept)
	}
	return []Revision{first(d)}
}

// first is the revision of a Deployment that has no history.
func first(d *appsv1.Deployment) Revision {
	return Revision{Number: 1, Template: *d.Spec.Template.DeepCopy(), Created: d.CreationTimestamp.Time, Cause: d.Annotations[ChangeCauseAnnotation]}
}

// record adds the template of a changed Deployment to its history, and forgets the oldest ones beyond its limit.
func (tx *transaction) record(key resource.Key) {
	e := tx.next.objects[key]
	if e == nil {
		delete(tx.next.history, key)
		return
	}
	d, ok := e.object.(*appsv1.Deployment)
	before := tx.before.objects[key]
	if !ok || before == nil {
		return
	}
	was, ok := before.object.(*appsv1.Deployment)
	if !ok || admission.Equal(was.Spec.Template, d.Spec.Template) {
		return
	}
	kept := Snapshot{tx.before}.Revisions(key)
	now := Revision{Template: *d.Spec.Template.DeepCopy(), Created: tx.store.now().UTC(), Number: kept[len(kept)-1].Number + 1}
	for i, r := range kept {
		if admission.Equal(r.Template, d.Spec.Template) { // as in Kubernetes, an old one that is used again is renumbered
			now.Created = r.Created
			kept = slices.Delete(kept, i, i+1)
			break
		}
	}
	now.Cause = d.Annotations[ChangeCauseAnnotation]
	limit := 10
	if d.Spec.RevisionHistoryLimit != nil {
		limit = int(*d.Spec.RevisionHistoryLimit)
	}
	kept = kept[max(0, len(kept)-limit):]
	tx.next.history[key] = append(kept, now)
}

// keptHistory is the history of a Deployment in the file.
type keptHistory struct {
	Key       resource.Key `json:"key"`
	Revisions []Revision   `json:"revisions"`
}

// histories are those of a state, in the order of their objects.
func (st *state) histories() []keptHistory {
	var all []keptHistory
	for _, key := range st.keys() {
		if len(st.history[key]) > 0 {
			all = append(all, keptHistory{key, st.history[key]})
		}
	}
	return all
}
