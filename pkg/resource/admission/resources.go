package admission

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
)

// resources checks the requests and limits of a container.
func (c *Issues) resources(path string, r corev1.ResourceRequirements) {
	c.amounts(path+".limits", r.Limits)
	c.amounts(path+".requests", r.Requests)
	for _, name := range slices.Sorted(maps.Keys(r.Requests)) {
		request, at := r.Requests[name], Entry(path+".requests", string(name))
		limit, limited := r.Limits[name]
		switch {
		case limited && !divisible(name) && request.Cmp(limit) != 0:
			c.Add(at, "%s is not the limit of %s, which a request of %s has to be", request.String(), limit.String(), name)
		case limited && request.Cmp(limit) > 0:
			c.Add(at, "%s is more than the limit of %s", request.String(), limit.String())
		case !limited && !divisible(name):
			c.Add(path+".limits", "is missing for %q; a request of it needs a limit", name)
		}
	}
	c.hugePages(path, r)
}

// amounts checks the names and the amounts of resources.
func (c *Issues) amounts(path string, list corev1.ResourceList) {
	for _, name := range slices.Sorted(maps.Keys(list)) {
		at, amount := Entry(path, string(name)), list[name]
		if complaints := validation.IsQualifiedName(string(name)); len(complaints) > 0 {
			c.Rule(at, string(name), complaints)
			continue
		}
		switch {
		case ofContainers(name):
		case !strings.Contains(string(name), "/"):
			OneOf(c, at, name, corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage)
		case !native(name) && !extended(name):
			c.Add(at, "%q is not the name of a resource such as example.com/gpu", name)
		}
		if amount.Sign() < 0 {
			c.Add(at, "%s is negative", amount.String())
		}
		if extended(name) && amount.MilliValue()%1000 != 0 {
			c.Add(at, "%s is not a whole number", amount.String())
		}
		if page, ok := pageSize(name); ok && (page.Sign() <= 0 || amount.Value()%page.Value() != 0) {
			c.Add(at, "%s is not a multiple of the size of a page", amount.String())
		}
	}
}

func (c *Issues) hugePages(path string, r corev1.ResourceRequirements) {
	pages, other := false, false
	for name := range r.Limits {
		pages = pages || hugePages(name)
		other = other || name == corev1.ResourceCPU || name == corev1.ResourceMemory
	}
	for name := range r.Requests {
		pages = pages || hugePages(name)
		other = other || name == corev1.ResourceCPU || name == corev1.ResourceMemory
	}
	if pages && !other {
		c.Add(path, "huge pages need an amount of cpu or memory too")
	}
}

// ofContainers reports whether a name without a domain is one that containers can have.
func ofContainers(name corev1.ResourceName) bool {
	return name == corev1.ResourceCPU || name == corev1.ResourceMemory || name == corev1.ResourceEphemeralStorage || hugePages(name)
}

func hugePages(name corev1.ResourceName) bool {
	return strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix)
}

// native reports whether a resource is Kubernetes' own, and extended whether it is another's.
func native(name corev1.ResourceName) bool {
	return !strings.Contains(string(name), "/") || strings.Contains(string(name), corev1.ResourceDefaultNamespacePrefix)
}

func extended(name corev1.ResourceName) bool {
	const quota = "requests."
	return !native(name) && !strings.HasPrefix(string(name), quota) && len(validation.IsQualifiedName(quota+string(name))) == 0
}

// divisible reports whether a container may get more of a resource than it requests.
func divisible(name corev1.ResourceName) bool { return native(name) && !hugePages(name) }

// pageSize is the size of the pages of a resource such as hugepages-2Mi.
func pageSize(name corev1.ResourceName) (resource.Quantity, bool) {
	size, ok := strings.CutPrefix(string(name), corev1.ResourceHugePagesPrefix)
	if !ok {
		return resource.Quantity{}, false
	}
	page, err := resource.ParseQuantity(size)
	return page, err == nil
}

// WholeBytes warns of amounts of memory that are not whole numbers of bytes: usually m is written for M.
func (c *Issues) WholeBytes(path string, list corev1.ResourceList) {
	for _, name := range []corev1.ResourceName{corev1.ResourceMemory, corev1.ResourceEphemeralStorage, corev1.ResourceStorage} {
		if q, ok := list[name]; ok && q.MilliValue()%1000 != 0 {
			c.Add(Entry(path, string(name)), "fractional byte value %q: m is a thousandth of a byte; write M or Mi", q.String())
		}
	}
}
