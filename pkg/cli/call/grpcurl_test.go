//go:build peers

package call_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
)

// buildGrpcurl is the path of grpcurl's own command: the one that is installed, or one that it builds.
func buildGrpcurl(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("grpcurl"); err == nil {
		return path
	}
	path := filepath.Join(t.TempDir(), "grpcurl")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", "grpcnotrace", "-o", path, "github.com/fullstorydev/grpcurl/cmd/grpcurl").CombinedOutput()
	if err != nil {
		t.Fatalf("build grpcurl: %v\n%s", err, out)
	}
	return path
}

// sameJSON reports whether two texts are the same JSON value, or else the same text.
func sameJSON(a, b string) bool {
	var va, vb any
	if json.Unmarshal([]byte(a), &va) != nil || json.Unmarshal([]byte(b), &vb) != nil {
		return a == b
	}
	return reflect.DeepEqual(va, vb)
}

// TestCallAnswersAsGrpcurl runs command lines of grpcurl as they are behind "shopctl call".
func TestCallAnswersAsGrpcurl(t *testing.T) {
	grpcurl := buildGrpcurl(t)
	_, addr := serveCart(t, true)
	path := serveCartAt(t)
	w := clitest.NewWorld(t)
	for _, line := range [][]string{
		{"-plaintext", addr, "list"},
		{"-plaintext", addr, "list", "grpc.reflection.v1.ServerReflection"},
		{"-plaintext", "-d", `{"userId":"u","item":{"product_id":"P","quantity":2}}`, addr, "hipstershop.CartService/AddItem"},
		{"-plaintext", "-H", "X-A: 1", "-H", "b-bin: AAE", "-d", `{"userId":"u"}`, addr, "hipstershop.CartService.GetCart"},
		{"-plaintext", "-expand-headers", "-H", "x-a: ${SHOPCTL_TEST_NOT_SET}", addr, "hipstershop.CartService.GetCart"},
		{"-plaintext", "-user-agent", "mine/1", addr, "hipstershop.CartService.GetCart"},
		{"-plaintext", "-emit-defaults", "-max-time", "3", addr, "hipstershop.CartService/GetCart"},
		{"-plaintext", "-format", "text", "-d", `user_id: "u"`, addr, "hipstershop.CartService/GetCart"},
		{"-plaintext", "-d", `{"userId":"u","item":{"quantity":0}}`, addr, "hipstershop.CartService/AddItem"},
		{"-plaintext", "-allow-unknown-fields", "-d", `{"userId":"u","nope":{"a":[1]},"item":{"product_id":"P","nope":1}}`, addr, "hipstershop.CartService/AddItem"},
		{"-plaintext", "-allow-unknown-fields", "-d", `{"userId":1,"nope":1}`, addr, "hipstershop.CartService/AddItem"},
		{"-plaintext", "-d", `{"userId":"u","nope":1}`, addr, "hipstershop.CartService/AddItem"},
		{"-plaintext", "-format-error", "-d", `{"userId":"u","item":{"quantity":0}}`, addr, "hipstershop.CartService/AddItem"},
		{"-plaintext", "-format-error", "-max-time", "0.2", addr, "hipstershop.CartService/EmptyCart"},
		{"-plaintext", "-unix", path, "list"},
		{"-plaintext", "-unix", "-d", `{"userId":"u"}`, path, "hipstershop.CartService/GetCart"},
		{"-plaintext", "unix://" + path, "list", "hipstershop.CartService"},
		{"-plaintext", "-import-path", "../../rpc/proto", "-proto", "hipstershop/hipstershop.proto", "-d", `{}`, addr, "hipstershop.CartService/GetCart"},
		{"-plaintext", "-import-path", "../../rpc/proto", "-proto", "hipstershop/hipstershop.proto", addr, "list"},
		{"-d", "{}", addr, "hipstershop.CartService/Nope"},
		{"-plaintext", "-protoset", "gone.protoset", addr, "list"},
	} {
		var out, stderr bytes.Buffer
		theirs := exec.CommandContext(t.Context(), grpcurl, line...)
		theirs.Stdout, theirs.Stderr = &out, &stderr
		_ = theirs.Run() // the exit code is compared below
		ours := w.Run(append([]string{"call"}, line...)...)
		code := theirs.ProcessState.ExitCode()
		if ours != code && (code < 64 && (code == 0) != (ours == 0) || code >= 64) {
			t.Errorf("%s: exit %d, grpcurl %d\n%s", strings.Join(line, " "), ours, code, w.Err.String())
		}
		if slices.Contains(line, "-format-error") && !sameJSON(strings.TrimSpace(w.Err.String()), strings.TrimSpace(stderr.String())) {
			t.Errorf("%s printed the status\n%s\ngrpcurl\n%s", strings.Join(line, " "), w.Err.String(), stderr.String())
		}
		if code == 0 && !sameJSON(strings.TrimSpace(w.Out.String()), strings.TrimSpace(out.String())) {
			t.Errorf("%s printed\n%s\ngrpcurl\n%s", strings.Join(line, " "), w.Out.String(), out.String())
		}
	}
}
