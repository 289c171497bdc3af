package call

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/fullstorydev/grpcurl"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/shopctl/shopctl/pkg/suggest"

	//lint:ignore SA1019 grpcurl speaks in these descriptors
	"github.com/jhump/protoreflect/desc"
)

// Describe returns the proto source of a symbol of the target: a method with its messages, a service, a
// message or an enum, by full name or by the end of it; without a symbol, of all its services.
func (c *Caller) Describe(ctx context.Context, t Target, symbol string) (string, error) {
	p, err := c.peer(t)
	if err != nil {
		return "", err
	}
	contract, fresh, err := p.contract(ctx)
	if err != nil {
		return "", err
	}
	text, err := contract.describe(t.Name, symbol)
	if err == nil || fresh || p.conn == nil {
		return text, err
	}
	refreshed, fetchErr := p.fetch(ctx)
	if fetchErr != nil {
		return "", err
	}
	if again, againErr := refreshed.describe(t.Name, symbol); againErr == nil {
		return again, nil
	}
	return "", err
}

func (c *contract) describe(target, symbol string) (string, error) {
	var found []protoreflect.Descriptor
	if symbol == "" {
		for _, s := range c.services {
			found = append(found, s)
		}
		return protoText(found)
	}
	if m, err := c.find(target, symbol); err == nil {
		found = append(found, m.descriptor, m.descriptor.Input())
		if m.Output != m.Input {
			found = append(found, m.descriptor.Output())
		}
		return protoText(found)
	}
	all := c.symbols()
	for _, equal := range []func(a, b string) bool{func(a, b string) bool { return a == b }, strings.EqualFold} {
		for _, d := range all {
			if meansSymbol(strings.Trim(symbol, "/."), string(d.FullName()), equal) {
				return protoText([]protoreflect.Descriptor{d})
			}
		}
	}
	if d := c.besides(strings.Trim(symbol, "/.")); d != nil {
		return protoText([]protoreflect.Descriptor{d})
	}
	if u, ok := c.unreadableService(strings.ReplaceAll(strings.Trim(symbol, "/."), "/", ".")); ok {
		return "", u.invalid()
	}
	return "", c.unknownSymbol(target, symbol, all)
}

// besides finds a full name that no method of the contract leads to: in the files that the server sent, in a service that every
// server has, or among Google's common types; nil if there is none.
func (c *contract) besides(name string) protoreflect.Descriptor {
	for _, f := range c.source.files {
		if d, ok := f.FindSymbol(name).(interface {
			Unwrap() protoreflect.Descriptor
		}); ok {
			return d.Unwrap()
		}
	}
	if d, err := (commonTypes{}).FindDescriptorByName(protoreflect.FullName(name)); err == nil {
		return d
	}
	if infrastructure(name) {
		if d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name)); err == nil {
			return d
		}
	}
	return nil
}

func (c *contract) unknownSymbol(target, symbol string, all []protoreflect.Descriptor) error {
	var names []string
	for _, m := range c.methods() {
		names = append(names, m.Short)
	}
	for _, d := range all {
		names = append(names, string(d.Name()))
	}
	err := &Invalid{Text: fmt.Sprintf("%s has no method, service, message or enum %q", target, symbol), Hint: "leave the name out to see all services"}
	if near := suggest.Match(symbol[strings.LastIndexAny(symbol, "/.")+1:], names); near != "" {
		err.Hint = "did you mean " + near + "?"
	}
	return err
}

// symbols are the services of the contract, then the messages and enums that their methods speak in, in
// the order in which they are met.
func (c *contract) symbols() []protoreflect.Descriptor {
	var all []protoreflect.Descriptor
	seen := map[protoreflect.FullName]bool{}
	var visit func(d protoreflect.MessageDescriptor)
	visit = func(d protoreflect.MessageDescriptor) {
		if seen[d.FullName()] {
			return
		}
		seen[d.FullName()] = true
		if !d.IsMapEntry() {
			all = append(all, d)
		}
		for i := range d.Fields().Len() {
			switch fd := d.Fields().Get(i); {
			case fd.Message() != nil:
				visit(fd.Message())
			case fd.Enum() != nil && !seen[fd.Enum().FullName()]:
				seen[fd.Enum().FullName()] = true
				all = append(all, fd.Enum())
			}
		}
	}
	for _, s := range c.services {
		all = append(all, s)
	}
	for _, m := range c.methods() {
		visit(m.descriptor.Input())
		visit(m.descriptor.Output())
	}
	return all
}

// protoText writes descriptors as proto source, an empty line between two.
func protoText(found []protoreflect.Descriptor) (string, error) {
	texts := make([]string, len(found))
	for i, d := range found {
		wrapped, err := desc.WrapDescriptor(d)
		if err != nil {
			return "", fmt.Errorf("describe %s: %w", d.FullName(), err)
		}
		text, err := grpcurl.GetDescriptorText(wrapped, nil)
		if err != nil {
			return "", fmt.Errorf("describe %s: %w", d.FullName(), err)
		}
		texts[i] = fmt.Sprintf("// %s\n%s", d.FullName(), text)
	}
	return strings.Join(texts, "\n\n") + "\n", nil
}

// Template returns a request message of a method as JSON, with every field there to be filled in.
func (c *Caller) Template(ctx context.Context, t Target, method string) (json.RawMessage, error) {
	m, err := c.Resolve(ctx, t, method)
	if err != nil {
		return nil, err
	}
	input, err := desc.WrapMessage(m.descriptor.Input())
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", m.Input, err)
	}
	source := m.contract.source
	text, err := grpcurl.NewJSONFormatter(true, grpcurl.AnyResolverFromDescriptorSource(source))(grpcurl.MakeTemplate(input))
	if err != nil {
		return nil, fmt.Errorf("write a template of %s: %w", m.Input, err)
	}
	return json.RawMessage(text), nil
}
