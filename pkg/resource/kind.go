package resource

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/mesh/advice"
	"github.com/shopctl/shopctl/pkg/resource/admission"
	"github.com/shopctl/shopctl/pkg/suggest"
)

// The kinds that other packages refer to by name.
const (
	KindDeployment            = "Deployment"
	KindService               = "Service"
	KindConfigMap             = "ConfigMap"
	KindSecret                = "Secret"
	KindServiceAccount        = "ServiceAccount"
	KindNamespace             = "Namespace"
	KindPersistentVolumeClaim = "PersistentVolumeClaim"
	KindPrometheusRule        = "PrometheusRule"
	KindVirtualService        = "VirtualService"
	KindDestinationRule       = "DestinationRule"
	KindGateway               = "Gateway"
	KindPeerAuthentication    = "PeerAuthentication"
	KindAuthorizationPolicy   = "AuthorizationPolicy"
	KindRequestAuthentication = "RequestAuthentication"
)

// Kind is the definition of one kind of object: its names, its defaults and checks, and how objects are printed.
type Kind struct {
	// Name as in manifests: "Deployment".
	Name string
	// APIVersion under which objects are stored and printed: "apps/v1".
	APIVersion string
	// AlsoServed are further versions of the same schema that manifests may use; they are stored as APIVersion.
	AlsoServed []string
	// Plural, as in "shopctl get deployments".
	Plural string
	// Short names, as kubectl knows them: "deploy".
	Short []string
	// Namespaced is false for kinds whose objects are in no namespace.
	Namespaced bool
	// LabelNames: names of objects are DNS labels, without dots.
	LabelNames bool
	// Workload: objects run instances. Their status is measured, and events are about them.
	Workload bool
	// Restorable: what a lesson changes in objects of the kind is undone when it ends.
	Restorable bool
	// Located: where the fields of objects were written is remembered, so that what they do can be traced to a line.
	Located bool

	create      func() Object
	defaults    func(Object)
	check       func(c *admission.Issues, o Object)
	checkUpdate func(c *admission.Issues, old, updated Object)
	warn        func(c *admission.Issues, o Object, others Objects)
	inert       func() []admission.Inert
	spec        func(Object) any
	copyStatus  func(o, from Object)
	columns     []Column
	summary     func(Object) string
	describe    func(p Printer, o Object, live *Live)
}

// Objects are the other objects of the shop during the check of one.
type Objects interface {
	// Find returns the object with a key, nil if there is none. It must not be changed.
	Find(Key) Object
	// Names returns the names of all objects of a kind in a namespace, sorted.
	Names(kind, namespace string) []string
}

// Singular is the name in lower case: "deployment".
func (k Kind) Singular() string { return strings.ToLower(k.Name) }

// New returns an empty object of the kind with apiVersion and kind set.
func (k Kind) New() Object {
	o := k.create()
	k.SetType(o)
	return o
}

// SetType sets apiVersion and kind to those under which objects are stored.
func (k Kind) SetType(o Object) { setType(o, k) }

// Default fills in what a manifest leaves out, as Kubernetes does.
func (k Kind) Default(o Object) {
	if k.defaults != nil {
		k.defaults(o)
	}
}

// Check returns what the API server would refuse in an object that has its defaults.
func (k Kind) Check(o Object) []admission.Issue {
	var c admission.Issues
	c.Metadata(o, admission.Scope{Kind: k.Name, Namespaced: k.Namespaced, LabelName: k.LabelNames})
	if k.check != nil {
		k.check(&c, o)
	}
	return c
}

// CheckUpdate returns what the API server would refuse in replacing one object of the kind by another.
func (k Kind) CheckUpdate(old, updated Object) []admission.Issue {
	var c admission.Issues
	if k.checkUpdate != nil {
		k.checkUpdate(&c, old, updated)
	}
	return c
}

// Warnings returns what is legal in an object that has its defaults but does not do on one machine what it does on a
// cluster, and what is probably not meant, such as references to objects that do not exist.
func (k Kind) Warnings(o Object, others Objects) []admission.Issue {
	var c admission.Issues
	if k.warn != nil {
		k.warn(&c, o, others)
	}
	if tree, err := ToTree(o); err == nil {
		c.Inert(tree, k.Inert())
	}
	return c
}

// Inert are the fields of the kind that are legal and do nothing here.
func (k Kind) Inert() []admission.Inert {
	fields := admission.MetadataInert()
	if k.inert != nil {
		fields = append(fields, k.inert()...)
	}
	return fields
}

// Unfollowed are the fields of Istio's kinds that sidecars here do not follow.
func (k Kind) Unfollowed() []admission.Inert {
	var fields []admission.Inert
	for _, f := range advice.IgnoredIn(k.Name) {
		fields = append(fields, admission.Inert{Field: f.Field, Message: f.Message})
	}
	return fields
}

// Spec is the part of an object whose change makes a new generation; nil for kinds without.
func (k Kind) Spec(o Object) any {
	if k.spec == nil {
		return nil
	}
	return k.spec(o)
}

// CopyStatus sets the status of an object to that of another; kinds without a status ignore it.
func (k Kind) CopyStatus(o, from Object) {
	if k.copyStatus != nil {
		k.copyStatus(o, from)
	}
}

// ClearStatus removes what is in the status of an object.
func (k Kind) ClearStatus(o Object) { k.CopyStatus(o, k.create()) }

// Kinds returns all supported kinds, in the order in which objects are applied: what others depend on comes first.
func Kinds() []Kind { return slices.Clone(registry()) }

// LookupKind finds a kind by name, plural, singular or short name in any case, with or without the API group
// ("deployments.apps"). The error is an *UnsupportedKindError.
func LookupKind(word string) (Kind, error) {
	folded := strings.ToLower(word)
	for _, k := range registry() {
		if slices.Contains(k.words(), folded) {
			return k, nil
		}
	}
	return Kind{}, &UnsupportedKindError{Kind: word}
}

// KindFor finds the kind that a manifest names exactly. The error is an *UnsupportedKindError.
func KindFor(apiVersion, kind string) (Kind, error) {
	for _, k := range registry() {
		if k.Name == kind && slices.Contains(k.versions(), apiVersion) {
			return k, nil
		}
	}
	return Kind{}, &UnsupportedKindError{APIVersion: apiVersion, Kind: kind}
}

// versions are all that manifests may use, the stored one first.
func (k Kind) versions() []string { return append([]string{k.APIVersion}, k.AlsoServed...) }

// words are all names of the kind in lower case.
func (k Kind) words() []string {
	words := append([]string{k.Singular(), k.Plural}, k.Short...)
	if group, _, ok := strings.Cut(k.APIVersion, "/"); ok {
		words = append(words, k.Singular()+"."+group, k.Plural+"."+group)
	}
	return words
}

// UnsupportedKindError reports that the shop does not support a kind, and which it supports.
type UnsupportedKindError struct {
	// APIVersion is empty where only a word was given.
	APIVersion string
	Kind       string
}

// Advice is what to do without the kind; empty where it is not known at all.
func (e *UnsupportedKindError) Advice() string { return adviceFor(e.APIVersion, e.Kind) }

func (e *UnsupportedKindError) Error() string {
	var words, versions []string
	byVersion := map[string][]string{}
	for _, k := range registry() {
		if k.Name == e.Kind && e.APIVersion != "" && adviceFor(e.APIVersion, e.Kind) == "" {
			return fmt.Sprintf("%s has apiVersion %s, not %s", k.Name, strings.Join(k.versions(), " or "), e.APIVersion)
		}
		words = append(words, k.Name)
		if e.APIVersion == "" {
			words = append(words, k.words()...)
		}
		if byVersion[k.APIVersion] == nil {
			versions = append(versions, k.APIVersion)
		}
		byVersion[k.APIVersion] = append(byVersion[k.APIVersion], k.Name)
	}
	what := fmt.Sprintf("kind %q", e.Kind)
	if e.APIVersion != "" {
		what += fmt.Sprintf(" of apiVersion %q", e.APIVersion)
	}
	if advice := adviceFor(e.APIVersion, e.Kind); advice != "" {
		return what + " is not supported: " + advice
	}
	if meant := suggest.Typo(e.Kind, words); meant != "" {
		what += fmt.Sprintf(" is not supported; did you mean %q?", meant)
	} else {
		what += " is not supported"
	}
	slices.Sort(versions) // the core's own has no group and comes last
	for i, v := range versions {
		versions[i] = fmt.Sprintf("%s (%s)", strings.Join(byVersion[v], ", "), v)
	}
	last := len(versions) - 1
	return fmt.Sprintf("%s; supported are %s and %s", what, strings.Join(versions[:last], ", "), versions[last])
}
