// Package foreign decides which changes of a shop's objects a lesson by another author may make. Such a lesson runs
// without a question, so nothing that it applies may choose a program of this machine or send data elsewhere: its pods
// run built-in services, with variables from a list, in the shop's own namespace. What the user set stays allowed, as
// long as the lesson does not change it.
//
// The decision is made on objects as they will be, with the environment that their containers will get, and not on the
// texts that a lesson consists of. A change can come as a manifest, an edit or a pipe, and take effect through a
// ConfigMap that a Deployment refers to.
package foreign

import (
	"fmt"
	"maps"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/admission"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

// Limits are what a lesson by another author may change.
type Limits struct {
	// Namespace is the only one.
	Namespace string
	// Builtin reports whether an image runs a built-in service, and no program that the user mapped it to.
	Builtin func(image string) bool
}

// maxInstances bounds the instances of all Deployments: each is a process.
const maxInstances = 60

// RefusedError is a change that a lesson by another author may not make.
type RefusedError struct {
	Key   resource.Key
	Issue admission.Issue
}

func (e *RefusedError) Error() string {
	text := e.Issue.Message
	if e.Key == (resource.Key{}) {
		return "change the shop: " + text
	}
	if e.Issue.Path != "" {
		text = e.Issue.Path + ": " + text
	}
	return fmt.Sprintf("change %s: %s", e.Key, text)
}

// Check returns a *RefusedError for a change that may not be made. before and after are all objects of the shop.
func (l Limits) Check(before, after store.Snapshot) error {
	was, is := newView(before), newView(after)
	for _, key := range is.changedSince(was) {
		if l.joins(key, was, is) {
			continue
		}
		if key.Namespace != l.Namespace {
			return &RefusedError{key, admission.Issue{Message: fmt.Sprintf("a lesson by another author changes only objects in the shop's namespace, %s", l.Namespace)}}
		}
		if k, err := resource.LookupKind(key.Kind); err != nil || !k.Restorable {
			return &RefusedError{key, admission.Issue{Message: "a lesson by another author changes only what is undone when it ends"}}
		}
		if is.external[key] {
			return &RefusedError{key, admission.Issue{Path: "spec.type", Message: "a lesson by another author sends nothing elsewhere"}}
		}
	}
	if now := is.replicas(); now > maxInstances && now > was.replicas() {
		return &RefusedError{Issue: admission.Issue{Message: fmt.Sprintf("a lesson by another author runs at most %d instances, not %d", maxInstances, now)}}
	}
	for _, key := range sorted(maps.Keys(is.deployments)) {
		if issues := l.checkDeployment(was, is, was.deployments[key], is.deployments[key]); len(issues) > 0 {
			return &RefusedError{key, issues[0]}
		}
	}
	return nil
}

// CheckManifests returns what is refused in manifests regardless of the shop that they are applied to.
func (l Limits) CheckManifests(manifests []resource.Manifest) resource.Problems {
	var problems resource.Problems
	is := viewOf(manifests)
	for _, m := range manifests {
		if d, ok := is.deployments[resource.KeyOf(m.Object)]; ok {
			problems = append(problems, m.Problems(l.checkDeployment(newEmptyView(), is, nil, d))...)
		}
	}
	return problems
}
