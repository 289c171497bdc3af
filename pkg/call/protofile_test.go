package call_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

const newerCart = `syntax = "proto3";
package hipstershop;
service CartService {
  rpc GetCart(GetCartRequest) returns (Cart);
}
message GetCartRequest {
  string user_id = 1;
  string device = 2;
}
message Cart {
  string user_id = 1;
}
`

func TestAProtoFileReplacesTheServicesOwnContract(t *testing.T) {
	addr := listen(t, func(s *grpc.Server) { hipstershop.RegisterCartServiceServer(s, &cart{}) })
	path := filepath.Join(t.TempDir(), "newer.proto")
	target := cartTarget(addr)
	target.Files = call.ProtoFile(path)
	c := newCaller(t)
	request := func() call.Request {
		return call.Request{Target: target, Method: "GetCart", Messages: strings.NewReader(`{"user_id":"u","device":"phone"}`)}
	}
	_, err := c.Invoke(t.Context(), request())
	expectInvalid(t, err, "there is no such file", "--proto takes the path of a .proto file")

	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("syntax = \"proto3\";\nmessage A { string x = ; }\n")
	var invalid *call.Invalid
	if _, err = c.Invoke(t.Context(), request()); !errors.As(err, &invalid) || !strings.Contains(err.Error(), "newer.proto:2:") {
		t.Errorf("a file with a mistake: %v", err)
	}
	write("syntax = \"proto3\";\n")
	if _, err = c.Invoke(t.Context(), request()); !errors.As(err, &invalid) || !strings.Contains(err.Error(), "describes no service") {
		t.Errorf("a file without a service: %v", err)
	}
	write(newerCart)
	if r := invoke(t, c, request()); r.Status.Code() != codes.OK {
		t.Errorf("the edited file: %v", r.Status)
	}
}

func TestAProtoFileImportsOnlyPlainFilesBesideIt(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	put("secret.proto", `syntax = "proto3"; message Secret {}`)
	put("inside/good.proto", `syntax = "proto3"; message Good {}`)
	if err := os.Symlink("/dev/zero", filepath.Join(dir, "inside", "zero.proto")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "inside", "pipe.proto"), 0o600); err != nil {
		t.Fatal(err)
	}
	for imported, want := range map[string]string{
		"good.proto": "", "google/protobuf/empty.proto": "",
		"../secret.proto": "secret.proto", "/dev/zero": "/dev/zero", "zero.proto": "zero.proto", "pipe.proto": "not a regular file",
	} {
		target := cartTarget("127.0.0.1:1")
		target.Files = call.ProtoFile(put("inside/main.proto", `syntax = "proto3"; import "`+imported+`"; message M {} service S { rpc Get(M) returns (M); }`))
		_, err := newCaller(t).Describe(t.Context(), target, "M")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("import %q: %v, want %q", imported, err, want)
		}
	}
}
