package call

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/shopctl/shopctl/pkg/suggest"
)

// Method is one method of a target.
type Method struct {
	// Service is a full name ("hipstershop.CartService"), Name the method's own ("AddItem").
	Service string
	Name    string
	// Short is the shortest name that means this method among those of its target.
	Short string
	// Input and Output are full names of messages.
	Input, Output string
	// ClientStreams and ServerStreams tell which side may send several messages.
	ClientStreams, ServerStreams bool

	descriptor protoreflect.MethodDescriptor
	contract   *contract
}

// Full is the method's full name, "hipstershop.CartService/AddItem".
func (m Method) Full() string { return m.Service + "/" + m.Name }

// Signature is the method as in its contract: "AddItem(AddItemRequest) returns (Empty)".
func (m Method) Signature() string {
	streams := func(is bool, message string) string {
		message = message[strings.LastIndex(message, ".")+1:]
		if is {
			return "stream " + message
		}
		return message
	}
	return fmt.Sprintf("%s(%s) returns (%s)", m.Name, streams(m.ClientStreams, m.Input), streams(m.ServerStreams, m.Output))
}

// TakesNothing reports whether the request message has no fields.
func (m Method) TakesNothing() bool { return m.descriptor.Input().Fields().Len() == 0 }

// Methods lists the methods of a target in the order of its contract. A linked contract needs no
// server.
func (c *Caller) Methods(ctx context.Context, t Target) ([]Method, error) {
	p, err := c.peer(t)
	if err != nil {
		return nil, err
	}
	contract, _, err := p.contract(ctx)
	if err != nil {
		return nil, err
	}
	return contract.methods(), nil
}

// Services lists the full names of a target's services, those that every server has and those that cannot be read included.
func (c *Caller) Services(ctx context.Context, t Target) ([]string, error) {
	p, err := c.peer(t)
	if err != nil {
		return nil, err
	}
	contract, _, err := p.contract(ctx)
	if err != nil {
		return nil, err
	}
	names := slices.Clone(contract.infrastructure)
	for _, s := range contract.services {
		names = append(names, string(s.FullName()))
	}
	for _, u := range contract.unreadable {
		names = append(names, u.service)
	}
	slices.Sort(names)
	return names, nil
}

// MethodsOf lists the methods of one service of a target, which is named in full or by the end of its name. The error is an
// *Invalid if there is none.
func (c *Caller) MethodsOf(ctx context.Context, t Target, service string) ([]Method, error) {
	p, err := c.peer(t)
	if err != nil {
		return nil, err
	}
	contract, _, err := p.contract(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range contract.withInfrastructure() {
		if meansSymbol(service, string(s.FullName()), strings.EqualFold) {
			return contract.only(s).methods(), nil
		}
		names = append(names, string(s.FullName()))
	}
	if u, ok := contract.unreadableService(service); ok {
		return nil, u.invalid()
	}
	invalid := &Invalid{Text: fmt.Sprintf("%s has no service %q", t.Name, service), Hint: "it has " + strings.Join(names, ", ")}
	if near := suggest.Match(service, names); near != "" {
		invalid.Hint = "did you mean " + near + "?"
	}
	return nil, invalid
}

// withInfrastructure are the services of the contract, and those that every server has and that this one lists.
func (c *contract) withInfrastructure() []protoreflect.ServiceDescriptor {
	all := slices.Clone(c.services)
	for _, name := range c.infrastructure {
		if s := linkedService(name); s != nil {
			all = append(all, s)
		}
	}
	return all
}

// only is the contract with one service.
func (c *contract) only(s protoreflect.ServiceDescriptor) *contract {
	return &contract{services: []protoreflect.ServiceDescriptor{s}, source: c.source}
}

// Resolve finds the method that a name means: "AddItem", "CartService/AddItem",
// "hipstershop.CartService.AddItem", in any case. The error is an *Invalid if there is none.
func (c *Caller) Resolve(ctx context.Context, t Target, name string) (Method, error) {
	p, err := c.peer(t)
	if err != nil {
		return Method{}, err
	}
	m, _, err := p.resolve(ctx, name)
	return m, err
}

// resolve also reports whether the contract was fetched just now.
func (p *peer) resolve(ctx context.Context, name string) (Method, bool, error) {
	contract, fresh, err := p.contract(ctx)
	if err != nil {
		return Method{}, fresh, err
	}
	m, unknown := contract.find(p.target.Name, name)
	if unknown == nil || fresh || p.conn == nil {
		return m, fresh, unknown
	}
	if kept := p.kept(); p.linked != nil && kept != nil {
		if m, err := kept.find(p.target.Name, name); err == nil {
			return m, false, nil
		}
	}
	// The contract may have changed since it was read, or linked. If it cannot be fetched, the
	// known one is used.
	if contract, err = p.fetch(ctx); err != nil {
		return Method{}, false, unknown
	}
	m, err = contract.find(p.target.Name, name)
	if err != nil && p.linked != nil {
		err = unknown
	}
	return m, true, err
}

func (c *contract) methods() []Method {
	var methods []Method
	count := map[string]int{}
	for _, s := range c.services {
		for i := range s.Methods().Len() {
			m := c.method(s.Methods().Get(i))
			count[m.Name]++
			methods = append(methods, m)
		}
	}
	for i, m := range methods {
		if count[m.Name] > 1 {
			methods[i].Short = m.Full()
		}
	}
	return methods
}

func (c *contract) method(d protoreflect.MethodDescriptor) Method {
	return Method{
		Service: string(d.Parent().FullName()), Name: string(d.Name()), Short: string(d.Name()),
		Input: string(d.Input().FullName()), Output: string(d.Output().FullName()),
		ClientStreams: d.IsStreamingClient(), ServerStreams: d.IsStreamingServer(),
		descriptor: d, contract: c,
	}
}

// find returns the method that a name means. An exact match goes before one that differs in case.
func (c *contract) find(target, name string) (Method, error) {
	typed := strings.ReplaceAll(strings.Trim(name, "/"), "/", ".")
	all := append(c.methods(), c.infrastructureMethods(typed)...)
	for _, equal := range []func(a, b string) bool{func(a, b string) bool { return a == b }, strings.EqualFold} {
		var matches []Method
		for _, m := range all {
			if meansSymbol(typed, m.Service+"."+m.Name, equal) {
				matches = append(matches, m)
			}
		}
		switch len(matches) {
		case 0:
			continue
		case 1:
			return matches[0], nil
		}
		var names []string
		for _, m := range matches {
			names = append(names, m.Full())
		}
		return Method{}, &Invalid{
			Text: fmt.Sprintf("method %q of %s is ambiguous", name, target),
			Hint: "use one of " + strings.Join(names, ", "),
		}
	}
	if u, ok := c.unreadableService(typed); ok {
		return Method{}, u.invalid()
	}
	if len(all) == 0 && len(c.unreadable) > 0 {
		return Method{}, c.unreadable[0].invalid()
	}
	return Method{}, unknownMethod(target, name, all)
}

// infrastructureMethods are those of a service that every server has, if it was named in full.
func (c *contract) infrastructureMethods(typed string) []Method {
	dot := strings.LastIndex(typed, ".")
	if dot < 0 || !infrastructure(typed) {
		return nil
	}
	s := linkedService(typed[:dot])
	if s == nil {
		return nil
	}
	return c.only(s).methods()
}

// meansSymbol reports whether what was typed is a full name, or the end of it after a dot.
func meansSymbol(typed, full string, equal func(a, b string) bool) bool {
	start := len(full) - len(typed)
	return start == 0 && equal(typed, full) ||
		start > 0 && full[start-1] == '.' && equal(typed, full[start:])
}

func unknownMethod(target, name string, all []Method) error {
	names := make([]string, len(all))
	for i, m := range all {
		names[i] = m.Short
	}
	err := &Invalid{Text: fmt.Sprintf("%s has no method %q", target, name)}
	if len(names) > 0 {
		err.Hint = "it has " + strings.Join(names, ", ")
	}
	if near := suggest.Match(name[strings.LastIndexAny(name, "/.")+1:], names); near != "" {
		err.Hint = "did you mean " + near + "?"
	}
	return err
}
