package resource

import (
	"reflect"
	"sync"

	"github.com/shopctl/shopctl/pkg/resource/admission"
)

// registry returns the supported kinds, made once: what others depend on comes first, which is the order in which
// objects are applied. A new kind is a file of its own and a line here.
var registry = sync.OnceValue(func() []Kind {
	return []Kind{
		namespaceKind(),
		serviceAccountKind(),
		prometheusRuleKind(),
		secretKind(),
		configMapKind(),
		persistentVolumeClaimKind(),
		serviceKind(),
		deploymentKind(),
		destinationRuleKind(), // before what routes to its subsets
		virtualServiceKind(),
		gatewayKind(),
		peerAuthenticationKind(),
		requestAuthenticationKind(),
		authorizationPolicyKind(),
	}
})

// byGoType finds kinds by the Go type of their objects.
var byGoType = sync.OnceValue(func() map[reflect.Type]Kind {
	kinds := map[reflect.Type]Kind{}
	for _, k := range registry() {
		kinds[reflect.TypeOf(k.create())] = k
	}
	return kinds
})

// definition is a kind whose functions know the Go type of its objects. Functions that a kind does not need are nil.
type definition[T Object] struct {
	Kind
	// empty returns an object with nothing in it.
	empty func() T
	// defaults fills in what a manifest leaves out.
	defaults func(T)
	// check adds what the API server would refuse in an object that has its defaults; metadata are checked for all kinds.
	check func(c *admission.Issues, o T)
	// checkUpdate adds what it would refuse in replacing one object by another.
	checkUpdate func(c *admission.Issues, old, updated T)
	// warn adds what is legal but probably not meant, for one with its defaults among others.
	warn func(c *admission.Issues, o T, others Objects)
	// inert are the fields that are legal and do nothing here; those of the metadata are known for all kinds.
	inert func() []admission.Inert
	// spec returns the part whose change makes a new generation.
	spec func(T) any
	// copyStatus sets the status, which only the shop sets, to another object's.
	copyStatus func(o, from T)
	columns    []column[T]
	summary    func(T) string
	describe   func(p Printer, o T, live *Live)
}

// kind returns the Kind with the functions for any Object.
func (d definition[T]) kind() Kind {
	k := d.Kind
	k.create = func() Object { return d.empty() }
	k.inert = d.inert
	if d.defaults != nil {
		k.defaults = func(o Object) { d.defaults(o.(T)) }
	}
	if d.check != nil {
		k.check = func(c *admission.Issues, o Object) { d.check(c, o.(T)) }
	}
	if d.checkUpdate != nil {
		k.checkUpdate = func(c *admission.Issues, old, updated Object) { d.checkUpdate(c, old.(T), updated.(T)) }
	}
	if d.warn != nil {
		k.warn = func(c *admission.Issues, o Object, others Objects) { d.warn(c, o.(T), others) }
	}
	if d.spec != nil {
		k.spec = func(o Object) any { return d.spec(o.(T)) }
	}
	if d.copyStatus != nil {
		k.copyStatus = func(o, from Object) { d.copyStatus(o.(T), from.(T)) }
	}
	if d.summary != nil {
		k.summary = func(o Object) string { return d.summary(o.(T)) }
	}
	if d.describe != nil {
		k.describe = func(p Printer, o Object, live *Live) { d.describe(p, o.(T), live) }
	}
	k.columns = columnsOf(d.columns)
	return k
}
