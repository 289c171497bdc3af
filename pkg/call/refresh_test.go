package call_test

import (
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/shopctl/shopctl/pkg/call"
)

// mine is the contract of a service in development: its request has the given fields, and it has
// the given methods, which all return their request.
func mine(t *testing.T, fields, methods []string) *protoregistry.Files {
	t.Helper()
	message := &descriptorpb.DescriptorProto{Name: proto.String("Note")}
	for i, name := range fields {
		message.Field = append(message.Field, &descriptorpb.FieldDescriptorProto{
			Name: proto.String(name), Number: proto.Int32(int32(i + 1)),
			Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		})
	}
	service := &descriptorpb.ServiceDescriptorProto{Name: proto.String("Notes")}
	for _, name := range methods {
		service.Method = append(service.Method, &descriptorpb.MethodDescriptorProto{
			Name: proto.String(name), InputType: proto.String(".mine.Note"), OutputType: proto.String(".mine.Note"),
		})
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("mine.proto"), Package: proto.String("mine"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{message}, Service: []*descriptorpb.ServiceDescriptorProto{service},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	files := &protoregistry.Files{}
	if err := files.RegisterFile(file); err != nil {
		t.Fatal(err)
	}
	return files
}

// named lists the one service of a contract for reflection.
type named struct{}

func (named) GetServiceInfo() map[string]grpc.ServiceInfo {
	return map[string]grpc.ServiceInfo{"mine.Notes": {}}
}

// echo serves a contract on an address until stop is called.
func echo(t *testing.T, addr string, files *protoregistry.Files, alpha bool) (bound string, stop func()) {
	t.Helper()
	d, err := files.FindDescriptorByName("mine.Note")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		if method, _ := grpc.MethodFromServerStream(stream); !strings.HasPrefix(method, "/mine.Notes/") {
			return status.Error(codes.Unimplemented, "not mine: "+method)
		}
		m := dynamicpb.NewMessage(d.(protoreflect.MessageDescriptor))
		if err := stream.RecvMsg(m); err != nil {
			return err
		}
		return stream.SendMsg(m)
	}))
	options := reflection.ServerOptions{Services: named{}, DescriptorResolver: files}
	if alpha {
		grpc_reflection_v1alpha.RegisterServerReflectionServer(s, reflection.NewServer(options))
	} else {
		grpc_reflection_v1.RegisterServerReflectionServer(s, reflection.NewServerV1(options))
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	stop = func() {
		s.Stop()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	}
	return l.Addr().String(), stop
}

func TestContractIsReadByBothVersionsOfReflection(t *testing.T) {
	for name, alpha := range map[string]bool{"v1": false, "v1alpha": true} {
		t.Run(name, func(t *testing.T) {
			addr, stop := echo(t, "127.0.0.1:0", mine(t, []string{"text"}, []string{"Write"}), alpha)
			defer stop()
			r := invoke(t, newCaller(t), call.Request{Target: call.Target{Name: "notes", Addr: addr}, Method: "Write", Messages: strings.NewReader(`{"text":"hi"}`)})
			expectMessages(t, r, `{"text":"hi"}`)
		})
	}
}

func TestKeptContractIsReadAgainWhenTheServiceHasANewOne(t *testing.T) {
	c := newCaller(t)
	addr, stop := echo(t, "127.0.0.1:0", mine(t, []string{"text"}, []string{"Write"}), false)
	target := call.Target{Name: "notes", Addr: addr}
	expectMessages(t, invoke(t, c, call.Request{Target: target, Method: "Write"}), `{}`)
	stop()
	_, stop = echo(t, addr, mine(t, []string{"text", "author"}, []string{"Write", "Sign"}), false)
	defer stop()

	message := `{"text":"hi","author":"me"}`
	r := invoke(t, c, call.Request{Target: target, Method: "Write", Messages: strings.NewReader(message)})
	expectMessages(t, r, message)
	r = invoke(t, c, call.Request{Target: target, Method: "Sign", Messages: strings.NewReader(message)})
	expectMessages(t, r, message)
	if text, err := c.Describe(t.Context(), target, "Note"); err != nil || !strings.Contains(text, "author") {
		t.Errorf("%s, %v", text, err)
	}
	_, err := c.Invoke(t.Context(), call.Request{Target: target, Method: "Write", Messages: strings.NewReader(`{"txet":"hi"}`)})
	expectInvalid(t, err, `field "txet" is not in mine.Note`, "did you mean text?")
}

func TestAReplacedBuiltInIsQueriedForWhatItsContractLacks(t *testing.T) {
	addr, stop := echo(t, "127.0.0.1:0", mine(t, []string{"text"}, []string{"Write"}), false)
	defer stop()
	c := newCaller(t)
	for range 2 {
		r := invoke(t, c, call.Request{Target: cartTarget(addr), Method: "Write", Messages: strings.NewReader(`{"text":"hi"}`)})
		expectMessages(t, r, `{"text":"hi"}`)
	}
	_, err := c.Invoke(t.Context(), call.Request{Target: cartTarget(addr), Method: "GetCrat"})
	expectInvalid(t, err, `"GetCrat"`, "did you mean GetCart?")
}

func TestTargetThatMovesIsCalledAtItsNewAddress(t *testing.T) {
	c := newCaller(t)
	files := mine(t, []string{"text"}, []string{"Write"})
	for range 2 {
		addr, stop := echo(t, "127.0.0.1:0", files, false)
		expectMessages(t, invoke(t, c, call.Request{Target: call.Target{Name: "notes", Addr: addr}, Method: "Write"}), `{}`)
		stop()
	}
}
