package call_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// write writes a file below dir and returns its path.
func write(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// cartOf is a target that is described by files.
func cartOf(addr string, files call.Files) call.Target {
	return call.Target{Name: "cart", Addr: addr, Files: files}
}

func TestImportsAreLookedForInTheImportPaths(t *testing.T) {
	addr := listen(t, func(s *grpc.Server) { hipstershop.RegisterCartServiceServer(s, &cart{}) })
	dir := t.TempDir()
	common := `syntax = "proto3"; package hipstershop; message Cart { string user_id = 1; }`
	service := `syntax = "proto3"; package hipstershop; import "shop/common.proto"; import "google/protobuf/empty.proto";
message GetCartRequest { string user_id = 1; }
service CartService { rpc GetCart(GetCartRequest) returns (Cart); rpc Reset(google.protobuf.Empty) returns (Cart); }`
	write(t, dir, "a/shop/common.proto", []byte(common))
	path := write(t, dir, "b/shop/cart.proto", []byte(service))
	both := []string{filepath.Join(dir, "a"), filepath.Join(dir, "b")}
	for name, files := range map[string]call.Files{
		"a path":                            {Protos: []string{path}, ImportPaths: both},
		"a name below one of them":          {Protos: []string{"shop/cart.proto"}, ImportPaths: both},
		"a file that the first one imports": {Protos: []string{path, filepath.Join(dir, "a/shop/common.proto")}, ImportPaths: both},
	} {
		r := invoke(t, newCaller(t), call.Request{Target: cartOf(addr, files), Method: "GetCart", Messages: strings.NewReader(`{"userId":"u"}`)})
		if expectMessages(t, r, `{"userId":"u"}`); r.Status.Code() != codes.OK {
			t.Errorf("%s: %v", name, r.Status)
		}
	}
	for want, files := range map[string]call.Files{
		"is not below":                         {Protos: []string{path}, ImportPaths: both[:1]},
		"there is no such file":                {Protos: []string{"shop/gone.proto"}, ImportPaths: both},
		"shop/common.proto":                    {Protos: []string{path}, ImportPaths: both[1:]},
		"has the same name":                    {Protos: []string{path, write(t, dir, "c/cart.proto", []byte(service))}},
		"describes no service":                 {Protos: []string{"shop/common.proto"}, ImportPaths: both[:1]},
		"is not an encoded FileDescriptorSet":  {Protosets: []string{path}},
		"none.protoset: there is no such file": {Protosets: []string{filepath.Join(dir, "none.protoset")}},
	} {
		_, err := newCaller(t).Methods(t.Context(), cartOf(addr, files))
		expectInvalid(t, err, want, "")
	}
}

func TestAProtosetReplacesTheServicesOwnContract(t *testing.T) {
	addr := listen(t, func(s *grpc.Server) { hipstershop.RegisterCartServiceServer(s, &cart{}) })
	own := protodesc.ToFileDescriptorProto(hipstershop.File_hipstershop_hipstershop_proto)
	encode := func(name string, files ...*descriptorpb.FileDescriptorProto) string {
		encoded, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: files})
		if err != nil {
			t.Fatal(err)
		}
		return write(t, t.TempDir(), name, encoded)
	}
	whole := encode("whole.protoset", own)
	for _, paths := range [][]string{{whole}, {whole, whole}} {
		r := invoke(t, newCaller(t), call.Request{Target: cartOf(addr, call.Files{Protosets: paths}), Method: "CartService/GetCart", Messages: strings.NewReader(`{"userId":"u"}`)})
		expectMessages(t, r, `{"userId":"u"}`)
	}
	missing := proto.Clone(own).(*descriptorpb.FileDescriptorProto)
	missing.Dependency = append(missing.Dependency, "gone.proto")
	cycle := proto.Clone(own).(*descriptorpb.FileDescriptorProto)
	cycle.Dependency = append(cycle.Dependency, cycle.GetName())
	for name, file := range map[string]*descriptorpb.FileDescriptorProto{"gone.proto": missing, "import": cycle} {
		_, err := newCaller(t).Methods(t.Context(), cartOf(addr, call.Files{Protosets: []string{encode("bad.protoset", file)}}))
		expectInvalid(t, err, name, "--include_imports")
	}
}

func TestMessagesCanBeInTheTextFormat(t *testing.T) {
	target, c := streamsTarget(t), newCaller(t)
	var got []string
	request := call.Request{
		Target: target, Method: "UnaryCall", Text: true, Messages: strings.NewReader(`payload { body: "a\"b" }`),
		OnMessage: func(m json.RawMessage) { got = append(got, string(m)) },
	}
	if r := invoke(t, c, request); r.Status.Code() != codes.OK || len(got) != 1 || !strings.Contains(got[0], `username: "somebody"`) || !strings.Contains(got[0], `body: "a\"b"`) {
		t.Errorf("%v %q", r.Status, got)
	}
	got, request.Method = nil, "FullDuplexCall"
	request.Messages = strings.NewReader("payload { body: \"1\" }\x1epayload { body: \"2\" }")
	if r := invoke(t, c, request); r.Status.Code() != codes.OK || len(got) != 2 || !strings.HasPrefix(got[1], "\x1e") {
		t.Errorf("%v %q", r.Status, got)
	}
	for text, want := range map[string]string{`nme: "x"`: "nme", "{": "grpc.testing.SimpleRequest", "fill_username: 3x": "SimpleRequest"} {
		request.Method, request.Messages = "UnaryCall", strings.NewReader(text)
		_, err := c.Invoke(t.Context(), request)
		expectInvalid(t, err, want, "text format")
	}
}
