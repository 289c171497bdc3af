package call

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"

	"github.com/fullstorydev/grpcurl"
	"github.com/jhump/protoreflect/grpcreflect"
	_ "google.golang.org/genproto/googleapis/rpc/errdetails" // so that the usual details of errors can be read
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/health/grpc_health_v1" // so that the health of every server can be checked
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	//lint:ignore SA1019 grpcurl speaks in these descriptors
	"github.com/jhump/protoreflect/desc"
)

// contract describes what a target serves: services and their types. It is immutable.
type contract struct {
	services []protoreflect.ServiceDescriptor // by name
	// infrastructure are the services that the server lists and that servers have besides their own.
	infrastructure []string
	source         source
	// unreadable are the services that the server lists besides.
	unreadable []unreadable
}

// peer is the cached state of one target.
type peer struct {
	target Target
	conn   *grpc.ClientConn // nil without an address
	linked *contract        // nil if no contract is linked in

	mu        sync.Mutex
	reflected *contract // nil until it was fetched
}

func (p *peer) close() error {
	if p.conn == nil {
		return nil
	}
	return p.conn.Close()
}

// contract returns the target's contract; fresh: it was fetched just now.
func (p *peer) contract(ctx context.Context) (c *contract, fresh bool, err error) {
	if p.linked != nil {
		return p.linked, false, nil
	}
	if !p.target.Files.none() {
		c, err = p.target.Files.contract()
		return c, true, err
	}
	if c = p.kept(); c != nil {
		return c, false, nil
	}
	c, err = p.fetch(ctx)
	return c, true, err
}

// kept is the contract that was last fetched from the target; nil if none was.
func (p *peer) kept() *contract {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reflected
}

// fetch gets the contract from the target and keeps it.
func (p *peer) fetch(ctx context.Context) (*contract, error) {
	if p.conn == nil {
		return nil, fmt.Errorf("read the contract of %s: %w", p.target.Name, ErrNotRunning)
	}
	ctx, cancel := context.WithTimeout(ctx, DefaultDeadline)
	defer cancel()
	c, err := reflected(ctx, p.conn)
	if errors.Is(err, ErrNoReflection) && p.kept() != nil {
		// It had reflection. The client mistakes a connection that breaks, for the server was
		// restarted, for a server that lacks the newer version, and then requests the older one.
		c, err = reflected(ctx, p.conn)
	}
	if err != nil {
		return nil, fmt.Errorf("read the contract of %s: %w", p.target.Name, err)
	}
	p.mu.Lock()
	p.reflected = c
	p.mu.Unlock()
	return c, nil
}

// reflected reads the contract from a server by reflection, all of it at once: nothing stays open
// between calls.
func reflected(ctx context.Context, conn *grpc.ClientConn) (*contract, error) {
	client := grpcreflect.NewClientAuto(ctx, smallMessages{conn})
	defer client.Reset()
	client.AllowMissingFileDescriptors()
	client.AllowFallbackResolver(commonTypes{}, protoregistry.GlobalTypes)
	server := grpcurl.DescriptorSourceFromServer(ctx, client)
	names, err := server.ListServices()
	if errors.Is(err, grpcurl.ErrReflectionNotSupported) {
		return nil, ErrNoReflection
	}
	if err != nil {
		return nil, err
	}
	sort.Strings(names)
	c := &contract{source: source{files: map[string]*desc.FileDescriptor{}}}
	for _, name := range names {
		if infrastructure(name) {
			c.infrastructure = append(c.infrastructure, name)
			continue
		}
		d, err := server.FindSymbol(name)
		if err != nil && ofConnection(ctx, err) {
			return nil, fmt.Errorf("service %s: %w", name, err)
		}
		sd, ok := d.(*desc.ServiceDescriptor)
		switch {
		case err != nil:
			c.unreadable = append(c.unreadable, unreadable{name, err})
		case !ok:
			c.unreadable = append(c.unreadable, unreadable{name, errors.New("the server has another kind of symbol under this name")})
		default:
			c.services = append(c.services, sd.UnwrapService())
			c.source.add(sd.GetFile())
		}
	}
	return c, nil
}

// infrastructure reports whether a service is one that servers have besides their own, which are not listed: health,
// reflection, channelz. They can be called by their full names.
func infrastructure(service string) bool {
	for _, of := range []string{"grpc.health.", "grpc.reflection.", "grpc.channelz."} {
		if strings.HasPrefix(service, of) {
			return true
		}
	}
	return false
}

// linkedContract is the contract of services whose generated code is part of this binary; nil if there
// are none.
func linkedContract(names []string) *contract {
	c := &contract{}
	for _, name := range names {
		if s := linkedService(name); s != nil {
			c.services = append(c.services, s)
		}
	}
	if len(c.services) == 0 {
		return nil
	}
	return c
}

func linkedService(name string) protoreflect.ServiceDescriptor {
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return nil
	}
	s, _ := d.(protoreflect.ServiceDescriptor)
	return s
}

// source gives grpcurl the descriptors of a contract: those of the files that the server sent, then
// those that are linked in. It is a grpcurl.DescriptorSource.
type source struct {
	files map[string]*desc.FileDescriptor
}

func (s source) add(f *desc.FileDescriptor) {
	if _, ok := s.files[f.GetName()]; ok {
		return
	}
	s.files[f.GetName()] = f
	for _, dependency := range f.GetDependencies() {
		s.add(dependency)
	}
}

// ListServices is not used: the services are those of the contract.
func (s source) ListServices() ([]string, error) { return nil, nil }

// FindSymbol returns the descriptor of a full name.
func (s source) FindSymbol(name string) (desc.Descriptor, error) {
	for _, f := range s.files {
		if d := f.FindSymbol(name); d != nil {
			return d, nil
		}
	}
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", name, err)
	}
	return desc.WrapDescriptor(d)
}

// AllExtensionsForType returns the extensions of a proto2 message that the server's files declare.
func (s source) AllExtensionsForType(name string) ([]*desc.FieldDescriptor, error) {
	var found []*desc.FieldDescriptor
	for _, f := range s.files {
		for _, x := range f.GetExtensions() {
			if x.GetOwner().GetFullyQualifiedName() == name {
				found = append(found, x)
			}
		}
	}
	return found, nil
}
