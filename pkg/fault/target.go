package fault

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/shopctl/shopctl/pkg/suggest"
)

// Target is a workload that can be broken.
type Target struct {
	// Name is the short name ("payment"). Workload is a key that the caller chooses; injectors and queries refer to
	// the workload by it.
	Name     string
	Workload string
	// Module is set for a service that is part of a monolith: the name that it has as a workload of its own.
	// Workload is then the monolith, and Process what people call that.
	Module, Process string
	// GRPC are the full names of the gRPC services that it serves, where that is known and their
	// contract is linked into this binary; methods are then checked.
	GRPC []string
	// Protocol is grpc, http or tcp; empty if it is not known.
	Protocol string
	// Chassis: its instances run on the chassis and can fail or delay the calls that they receive. Other commands can
	// only be crashed and paused.
	Chassis bool
	// Meshed: its instances have sidecars.
	Meshed bool
	// Gateway: it is a proxy that passes on what comes from outside, and serves nothing itself.
	Gateway bool
	// Caller is the other service that a spec names; nil: none. Find does not set it.
	Caller *Target
}

// unmeshed is the error of a fault that acts in the sidecars of a target that has none.
func (t Target) unmeshed() error {
	name := t.Name
	if t.Process != "" {
		name = t.Process
	}
	return &Invalid{Text: name + " has no sidecar: it is not in the mesh", Hint: "shopctl mesh on " + name}
}

// method finds a method of the target by any of its spellings. It returns the name to display and the one that instances
// compare.
func (t Target) method(text string) (display, full string, err error) {
	if text == "" {
		return "", "", nil
	}
	if t.Protocol == "http" {
		if !strings.HasPrefix(text, "/") {
			return "", "", &Invalid{
				Text: fmt.Sprintf("method %q: %s serves HTTP, where a fault needs a path prefix", text, t.Name),
				Hint: "use --method /" + strings.ToLower(text),
			}
		}
		return text, text, nil
	}
	known := t.methods()
	if len(known) == 0 {
		return text, text, nil
	}
	var matches []string
	for _, m := range known {
		if methodMatches(m, text) {
			matches = append(matches, m)
		}
	}
	switch len(matches) {
	case 0:
		return "", "", t.unknownMethod(text, known)
	case 1:
		return shortest(matches[0], known), matches[0], nil
	}
	return "", "", &Invalid{
		Text: fmt.Sprintf("method %q of %s is ambiguous", text, t.Name),
		Hint: "use one of " + strings.Join(matches, ", "),
	}
}

func (t Target) unknownMethod(text string, known []string) error {
	names := make([]string, len(known))
	for i, m := range known {
		names[i] = shortest(m, known)
	}
	hint := t.Name + " has " + strings.Join(names, ", ")
	if name := suggest.Match(text[strings.LastIndexAny(text, "/.")+1:], names); name != "" {
		hint = "did you mean " + name + "?"
	}
	return &Invalid{Text: fmt.Sprintf("%s has no method %q", t.Name, text), Hint: hint}
}

// methods are the target's methods, "/package.Service/Method", as far as this binary knows them.
func (t Target) methods() []string {
	var methods []string
	for _, name := range t.GRPC {
		d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
		if err != nil {
			continue
		}
		service, ok := d.(protoreflect.ServiceDescriptor)
		if !ok {
			continue
		}
		for i := range service.Methods().Len() {
			methods = append(methods, fmt.Sprintf("/%s/%s", name, service.Methods().Get(i).Name()))
		}
	}
	return methods
}

// Methods are the names of methods that a fault can be limited to, in the order of the contract.
func (t Target) Methods() []string {
	known := t.methods()
	names := make([]string, len(known))
	for i, m := range known {
		names[i] = shortest(m, known)
	}
	return names
}

// methodMatches compares a full method ("/package.Service/Method") with what was typed: "Method",
// "Service/Method", "package.Service/Method", with dots for the slash and in any case.
func methodMatches(full, typed string) bool {
	full = strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(full, "/"), "/", "."))
	typed = strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(typed, "/"), "/", "."))
	return full == typed || strings.HasSuffix(full, "."+typed)
}

// shortest is a method's bare name if no other method of the target has the same, else its full one.
func shortest(full string, all []string) string {
	bare := full[strings.LastIndex(full, "/")+1:]
	for _, other := range all {
		if other != full && strings.EqualFold(other[strings.LastIndex(other, "/")+1:], bare) {
			return strings.TrimPrefix(full, "/")
		}
	}
	return bare
}
