package spans

import (
	"strings"
	"unicode/utf8"
)

// The memory of the parts of the index in addition to their bytes, with the entries in maps and
// slices that lead to them. A test holds the sum against the heap.
const (
	entryOverhead     = 320
	resourceOverhead  = 128
	originOverhead    = 160
	operationOverhead = 200
	serviceOverhead   = 128
)

// maxName bounds the names that the index holds; the spans hold them whole.
const maxName = 256

// names are the services, operations and origins that the kept traces mention. Each is there once, and
// for as long as a trace mentions it: a million names are a million only while their traces fit.
type names struct {
	services map[string]*service
	numbers  map[operationKey]uint32
	// operations by number; nil where one was removed, whose number is in free.
	operations []*operation
	free       []uint32
	resources  map[string]*resource
	origins    map[originKey]*origin
	bytes      int
}

type service struct {
	name string
	key  string
	refs int
}

type operationKey struct {
	service *service
	name    string
}

// operation is a name of spans of one service.
type operation struct {
	operationKey
	shown string // the name in valid text
	refs  int
}

// resource is who sends spans, encoded as ResourceSpans without scopes.
type resource struct {
	encoded string
	service *service
	refs    int
}

// origin is where spans come from: a resource, and a scope encoded as ScopeSpans without spans.
type origin struct {
	originKey
	refs int
}

type originKey struct {
	resource *resource
	scope    string
}

func newNames() names {
	return names{
		services: map[string]*service{}, numbers: map[operationKey]uint32{},
		resources: map[string]*resource{}, origins: map[originKey]*origin{},
	}
}

func (n *names) service(name string) *service {
	key := cut(name)
	s := n.services[key]
	if s == nil {
		key = strings.Clone(key)
		s = &service{name: strings.ToValidUTF8(key, "?"), key: key}
		n.services[key] = s
		n.bytes += serviceOverhead + 2*len(key)
	}
	s.refs++
	return s
}

func (n *names) dropService(s *service) {
	if s.refs--; s.refs == 0 {
		delete(n.services, s.key)
		n.bytes -= serviceOverhead + 2*len(s.key)
	}
}

// operation is the number of a name of a service. The caller counts a reference where it keeps it.
func (n *names) operation(s *service, name []byte) uint32 {
	name = cut(name)
	if number, ok := n.numbers[operationKey{s, string(name)}]; ok {
		return number
	}
	s.refs++
	o := &operation{operationKey: operationKey{s, string(name)}}
	o.shown = strings.ToValidUTF8(o.name, "?")
	var number uint32
	if last := len(n.free) - 1; last >= 0 {
		number = n.free[last]
		n.free = n.free[:last]
		n.operations[number] = o
	} else {
		number = uint32(len(n.operations))
		n.operations = append(n.operations, o)
	}
	n.numbers[o.operationKey] = number
	n.bytes += operationOverhead + len(o.name)
	return number
}

func (n *names) dropOperation(number uint32) {
	o := n.operations[number]
	if o.refs--; o.refs > 0 {
		return
	}
	delete(n.numbers, o.operationKey)
	n.operations[number] = nil
	n.free = append(n.free, number)
	n.bytes -= operationOverhead + len(o.name)
	n.dropService(o.service)
}

// resource finds or adds a resource, and counts a reference.
func (n *names) resource(encoded []byte) (*resource, error) {
	r := n.resources[string(encoded)]
	if r == nil {
		name, err := checkResource(encoded)
		if err != nil {
			return nil, err
		}
		r = &resource{encoded: string(encoded), service: n.service(name)}
		n.resources[r.encoded] = r
		n.bytes += resourceOverhead + len(encoded)
	}
	r.refs++
	return r, nil
}

func (n *names) dropResource(r *resource) {
	if r.refs--; r.refs == 0 {
		delete(n.resources, r.encoded)
		n.bytes -= resourceOverhead + len(r.encoded)
		n.dropService(r.service)
	}
}

// origin finds or adds an origin, and counts a reference.
func (n *names) origin(r *resource, scope []byte) (*origin, error) {
	o := n.origins[originKey{r, string(scope)}]
	if o == nil {
		if err := checkScope(scope); err != nil {
			return nil, err
		}
		o = &origin{originKey: originKey{r, string(scope)}}
		r.refs++
		n.origins[o.originKey] = o
		n.bytes += originOverhead + len(scope)
	}
	o.refs++
	return o, nil
}

func (n *names) dropOrigin(o *origin) {
	if o.refs--; o.refs == 0 {
		delete(n.origins, o.originKey)
		n.bytes -= originOverhead + len(o.scope)
		n.dropResource(o.resource)
	}
}

// cut shortens a name to what the index holds, between two characters.
func cut[T string | []byte](name T) T {
	if len(name) <= maxName {
		return name
	}
	end := maxName
	for end > maxName-utf8.UTFMax && !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end]
}

// shared keeps one string for equal texts, a bounded number of them.
type shared map[string]string

const maxShared, maxSharedText = 4096, 128

func (s shared) text(b []byte) string {
	if len(b) > maxSharedText {
		b = b[:maxSharedText]
	}
	if t, ok := s[string(b)]; ok {
		return t
	}
	if len(s) >= maxShared {
		clear(s)
	}
	t := strings.ToValidUTF8(string(b), "?")
	s[string(b)] = t
	return t
}
