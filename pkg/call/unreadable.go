package call

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// unreadable is a service that a server lists and whose contract cannot be read by reflection.
type unreadable struct {
	service string
	err     error
}

// invalid is the error of a call to the service.
func (u unreadable) invalid() *Invalid {
	return &Invalid{
		Text: fmt.Sprintf("read the contract of service %s by reflection: %v", u.service, u.err),
		Hint: "--proto FILE reads the contract from a .proto file instead",
	}
}

// Unreadable describes the services that a target lists and whose contracts cannot be read by reflection. The others can be
// called.
func (c *Caller) Unreadable(ctx context.Context, t Target) []error {
	p, err := c.peer(t)
	if err != nil {
		return nil
	}
	contract, _, err := p.contract(ctx)
	if err != nil {
		return nil
	}
	var all []error
	for _, u := range contract.unreadable {
		all = append(all, u.invalid())
	}
	return all
}

// unreadableService finds the service that a name of a method is of, if that cannot be read.
func (c *contract) unreadableService(typed string) (unreadable, bool) {
	service := typed
	if dot := strings.LastIndexByte(typed, '.'); dot >= 0 {
		service = typed[:dot]
	}
	for _, u := range c.unreadable {
		if meansSymbol(service, u.service, strings.EqualFold) || meansSymbol(typed, u.service, strings.EqualFold) {
			return u, true
		}
	}
	return unreadable{}, false
}

// ofConnection reports whether an error is not about one service but about the connection to the server.
func ofConnection(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return true
	}
	st, ok := status.FromError(err)
	return ok && (st.Code() == codes.Unavailable || st.Code() == codes.DeadlineExceeded || st.Code() == codes.Canceled)
}

// maxDescriptor bounds an answer of a server's reflection, in bytes, as grpcurl does.
const maxDescriptor = 4 << 20

// smallMessages is a connection whose streams take no message that is longer than maxDescriptor.
type smallMessages struct{ grpc.ClientConnInterface }

// NewStream begins a stream.
func (c smallMessages) NewStream(ctx context.Context, d *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return c.ClientConnInterface.NewStream(ctx, d, method, append(opts, grpc.MaxCallRecvMsgSize(maxDescriptor))...)
}

// commonTypes finds what is linked in of Google's common types, which many servers do not send.
type commonTypes struct{}

func (commonTypes) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	if !strings.HasPrefix(path, "google/") {
		return nil, protoregistry.NotFound
	}
	return protoregistry.GlobalFiles.FindFileByPath(path)
}

func (commonTypes) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	if !strings.HasPrefix(string(name), "google.") {
		return nil, protoregistry.NotFound
	}
	return protoregistry.GlobalFiles.FindDescriptorByName(name)
}
