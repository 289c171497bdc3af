package call_test

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/shopctl/shopctl/pkg/call"
)

// oddReflection serves descriptors as they are, valid or not.
type oddReflection struct {
	reflectionpb.UnimplementedServerReflectionServer
	services []string
	files    map[string]*descriptorpb.FileDescriptorProto // by path
	raw      map[string][]byte                            // by path, what is sent in place of the encoded file
}

func (r *oddReflection) ServerReflectionInfo(stream grpc.BidiStreamingServer[reflectionpb.ServerReflectionRequest, reflectionpb.ServerReflectionResponse]) error {
	for {
		req, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(r.respond(req)); err != nil {
			return err
		}
	}
}

func (r *oddReflection) respond(req *reflectionpb.ServerReflectionRequest) *reflectionpb.ServerReflectionResponse {
	resp := &reflectionpb.ServerReflectionResponse{OriginalRequest: req}
	var file *descriptorpb.FileDescriptorProto
	switch want := req.GetMessageRequest().(type) {
	case *reflectionpb.ServerReflectionRequest_ListServices:
		list := &reflectionpb.ListServiceResponse{}
		for _, name := range r.services {
			list.Service = append(list.Service, &reflectionpb.ServiceResponse{Name: name})
		}
		resp.MessageResponse = &reflectionpb.ServerReflectionResponse_ListServicesResponse{ListServicesResponse: list}
		return resp
	case *reflectionpb.ServerReflectionRequest_FileByFilename:
		file = r.files[want.FileByFilename]
	case *reflectionpb.ServerReflectionRequest_FileContainingSymbol:
		for _, f := range r.files {
			for _, s := range f.GetService() {
				if f.GetPackage()+"."+s.GetName() == want.FileContainingSymbol {
					file = f
				}
			}
		}
	}
	encoded, err := proto.Marshal(file)
	if raw, ok := r.raw[file.GetName()]; ok {
		encoded = raw
	}
	if file == nil || err != nil {
		resp.MessageResponse = &reflectionpb.ServerReflectionResponse_ErrorResponse{
			ErrorResponse: &reflectionpb.ErrorResponse{ErrorCode: int32(codes.NotFound), ErrorMessage: "unknown symbol"},
		}
		return resp
	}
	resp.MessageResponse = &reflectionpb.ServerReflectionResponse_FileDescriptorResponse{
		FileDescriptorResponse: &reflectionpb.FileDescriptorResponse{FileDescriptorProto: [][]byte{encoded}},
	}
	return resp
}

// fileOf is a file with a service of one method Do, whose request and response are the message M.
func fileOf(service string) *descriptorpb.FileDescriptorProto {
	return &descriptorpb.FileDescriptorProto{
		Name: proto.String(strings.ToLower(service) + ".proto"), Package: proto.String("t"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String(service + "M"), Field: []*descriptorpb.FieldDescriptorProto{field("a", 1)}}},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String(service), Method: []*descriptorpb.MethodDescriptorProto{{
			Name: proto.String("Do"), InputType: proto.String(".t." + service + "M"), OutputType: proto.String(".t." + service + "M"),
		}}}},
	}
}

func field(name string, number int32) *descriptorpb.FieldDescriptorProto {
	return &descriptorpb.FieldDescriptorProto{
		Name: proto.String(name), Number: proto.Int32(number), Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
	}
}

// garbage is the syntax of a file that is sent as bytes which are no descriptor.
const garbage = "garbage"

// badFiles are descriptors that no valid .proto file gives, each of the service Bad; nil: the server knows nothing of it.
func badFiles() map[string]func(f *descriptorpb.FileDescriptorProto) {
	return map[string]func(f *descriptorpb.FileDescriptorProto){
		"a map entry with a wrong name": func(f *descriptorpb.FileDescriptorProto) {
			m := f.MessageType[0]
			m.NestedType = []*descriptorpb.DescriptorProto{{
				Name: proto.String("fieldEntry"), Options: &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)},
				Field: []*descriptorpb.FieldDescriptorProto{field("key", 1), field("value", 2)},
			}}
			entries := field("field", 2)
			entries.Type, entries.Label = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
			entries.TypeName = proto.String(".t.BadM.fieldEntry")
			m.Field = append(m.Field, entries)
		},
		"a method whose type is missing": func(f *descriptorpb.FileDescriptorProto) { f.Service[0].Method[0].InputType = proto.String(".t.Gone") },
		"two fields with one number": func(f *descriptorpb.FileDescriptorProto) {
			f.MessageType[0].Field = append(f.MessageType[0].Field, field("b", 1))
		},
		"an unknown syntax": func(f *descriptorpb.FileDescriptorProto) { f.Syntax = proto.String("proto9") },
		"an open enum without zero": func(f *descriptorpb.FileDescriptorProto) {
			f.EnumType = []*descriptorpb.EnumDescriptorProto{{Name: proto.String("E"), Value: []*descriptorpb.EnumValueDescriptorProto{{Name: proto.String("ONE"), Number: proto.Int32(1)}}}}
		},
		"an import that is not served": func(f *descriptorpb.FileDescriptorProto) {
			f.Dependency = []string{"gone.proto"}
			f.MessageType[0].Field[0].Type, f.MessageType[0].Field[0].TypeName = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), proto.String(".gone.M")
		},
		"a message that is declared twice": func(f *descriptorpb.FileDescriptorProto) {
			f.MessageType = append(f.MessageType, f.MessageType[0])
		},
		"an import of itself":  func(f *descriptorpb.FileDescriptorProto) { f.Dependency = []string{f.GetName()} },
		"a cycle of two files": func(f *descriptorpb.FileDescriptorProto) { f.Dependency = []string{"cycle.proto"} },
		"bytes that are none":  func(f *descriptorpb.FileDescriptorProto) { f.Syntax = proto.String(garbage) },
		"more bytes than a descriptor may have": func(f *descriptorpb.FileDescriptorProto) {
			f.MessageType[0].Field[0].JsonName = proto.String(strings.Repeat("x", 5<<20))
		},
		"nothing": nil,
	}
}

// serveOdd serves t.Good, which works, and t.Bad as a file describes it.
func serveOdd(t *testing.T, bad func(f *descriptorpb.FileDescriptorProto)) string {
	t.Helper()
	odd := &oddReflection{services: []string{"t.Bad", "t.Good"}, files: map[string]*descriptorpb.FileDescriptorProto{"good.proto": fileOf("Good")}}
	good := odd.files["good.proto"]
	good.Dependency = []string{"google/protobuf/timestamp.proto"} // which it does not serve
	at := field("at", 2)
	at.Type, at.TypeName = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), proto.String(".google.protobuf.Timestamp")
	good.MessageType[0].Field = append(good.MessageType[0].Field, at)
	if bad != nil {
		odd.files["bad.proto"] = fileOf("Bad")
		bad(odd.files["bad.proto"])
		if odd.files["bad.proto"].GetSyntax() == garbage {
			odd.raw = map[string][]byte{"bad.proto": {0xff, 1, 2, 3}}
		}
		odd.files["cycle.proto"] = fileOf("Cycle")
		odd.files["cycle.proto"].Dependency = []string{"bad.proto"}
	}
	return listen(t, func(s *grpc.Server) {
		reflectionpb.RegisterServerReflectionServer(s, odd)
		s.RegisterService(&grpc.ServiceDesc{ServiceName: "t.Good", HandlerType: (*any)(nil), Streams: []grpc.StreamDesc{{
			StreamName: "Do", ServerStreams: true, ClientStreams: true,
			Handler: func(_ any, stream grpc.ServerStream) error {
				in := &emptypb.Empty{} // its unknown fields go back
				if err := stream.RecvMsg(in); err != nil {
					return err
				}
				return stream.SendMsg(in)
			},
		}}}, odd)
	})
}

func TestOneServiceThatCannotBeReadSpoilsNoOther(t *testing.T) {
	for name, bad := range badFiles() {
		t.Run(name, func(t *testing.T) {
			target, c := call.Target{Name: "odd", Addr: serveOdd(t, bad)}, newCaller(t)
			methods, err := c.Methods(t.Context(), target)
			if err != nil || len(methods) != 1 || methods[0].Full() != "t.Good/Do" {
				t.Fatalf("methods %v, %v", methods, err)
			}
			result, err := c.Invoke(t.Context(), call.Request{Target: target, Method: "t.Good/Do", Messages: strings.NewReader(`{"a": "x", "at": "2026-03-01T12:00:00Z"}`)})
			if err != nil || result.Status.Code() != codes.OK || len(result.Messages) != 1 || !strings.Contains(string(result.Messages[0]), "2026-03-01T12:00:00Z") {
				t.Errorf("t.Good/Do: %+v, %v", result, err)
			}
			for _, symbol := range []string{"", "t.Good", "Do"} {
				if text, err := c.Describe(t.Context(), target, symbol); err != nil || !strings.Contains(text, "Good") {
					t.Errorf("describe %q: %s, %v", symbol, text, err)
				}
			}
			if text, err := c.Template(t.Context(), target, "Do"); err != nil || !strings.Contains(string(text), `"at"`) {
				t.Errorf("template: %s, %v", text, err)
			}
			for _, method := range []string{"t.Bad/Do", "t.Bad.Do", "bad/Do", "t.Bad"} {
				_, err := c.Resolve(t.Context(), target, method)
				var invalid *call.Invalid
				if !errors.As(err, &invalid) || !strings.Contains(invalid.Text, "service t.Bad") || !strings.Contains(invalid.Hint, "--proto") {
					t.Errorf("resolve %s: %v", method, err)
				}
			}
			if _, err := c.Describe(t.Context(), target, "t.Bad"); err == nil || !strings.Contains(err.Error(), "t.Bad") {
				t.Errorf("describe t.Bad: %v", err)
			}
			if problems := c.Unreadable(t.Context(), target); len(problems) != 1 || !strings.Contains(problems[0].Error(), "t.Bad") {
				t.Errorf("unreadable %v", problems)
			}
		})
	}
}

func TestHeadersThatCannotBeSentAreRefused(t *testing.T) {
	addr := listen(t, func(*grpc.Server) {})
	c := newCaller(t)
	for _, header := range []string{
		"a: é", "a: x\r\nb: y", "a: x\ny", "a: \x01", "a: x\x7f", "a: \t x\ty", "connection: close", "Connection: close", "host: x", "HOST:x", "te: trailers", "content-type: a", "user-agent: me",
		"transfer-encoding: chunked", "upgrade: h2c", "keep-alive: 1", "proxy-connection: x", "content-length: 1", "grpc-timeout: 1S", "Grpc-Status: 0", "grpc-trace-bin: AA==", ":path: /", ":authority: x", "a b: c", "é: x", ": x", "x", "a\x01: x", "a(b): x",
		"data-bin: é", "data-bin: ???", "Data-Bin: A", "data-bin: AA=A", "data-bin: AAA=, x",
	} {
		_, err := c.Invoke(t.Context(), call.Request{Target: cartTarget(addr), Method: "GetCart", Messages: strings.NewReader("{}"), Headers: []string{header}})
		var invalid *call.Invalid
		name, _, _ := strings.Cut(strings.TrimPrefix(header, ":"), ":")
		if !errors.As(err, &invalid) || !strings.Contains(invalid.Text, "header") || !strings.Contains(invalid.Text, strings.Trim(strconv.Quote(strings.ToLower(name)), `"`)) {
			t.Errorf("%q: %v", header, err)
		}
	}
}
