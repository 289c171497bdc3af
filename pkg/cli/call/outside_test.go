package call_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

func TestAServerOutsideOfTheShopIsCalledAsWithGrpcurl(t *testing.T) {
	impl, addr := serveCart(t, true)
	w := clitest.NewWorld(t) // without a shop
	add := `{"user_id":"u","item":{"product_id":"P","quantity":2}}`
	for _, flags := range []string{"-d", "--data"} {
		w.Want(cmdutil.ExitOK, "call", addr, "hipstershop.CartService/AddItem", flags, add)
	}
	w.Want(cmdutil.ExitOK, "call", "-plaintext", "-max-time", "5", "-H", "X-Request-Id: 7", "-d", add, addr, "hipstershop.CartService/AddItem")
	if got := strings.Join(impl.header.Get("x-request-id"), ""); got != "7" {
		t.Errorf("x-request-id %q", got)
	}
	w.F.IO.In = strings.NewReader(`{"user_id":"u","item":{"product_id":"Q","quantity":3}}`)
	w.Want(cmdutil.ExitOK, "call", addr, "AddItem", "-d", "@")
	if impl.item.GetProductId() != "Q" {
		t.Errorf("item %v", impl.item)
	}
	w.Want(cmdutil.ExitOK, "call", addr, "GetCart", "--format", "text", "-d", `user_id: "u"`)
	w.WantOut(`user_id: "u"`, "quantity: 3")
}

func TestListAndDescribeAreThoseOfGrpcurl(t *testing.T) {
	_, addr := serveCart(t, true)
	w := clitest.NewWorld(t)
	w.Want(cmdutil.ExitOK, "call", addr, "list")
	if want := "grpc.reflection.v1.ServerReflection\ngrpc.reflection.v1alpha.ServerReflection\nhipstershop.CartService\n"; w.Out.String() != want {
		t.Errorf("list printed %q", w.Out.String())
	}
	w.Want(cmdutil.ExitOK, "call", addr, "list", "hipstershop.CartService")
	if want := "hipstershop.CartService.AddItem\nhipstershop.CartService.EmptyCart\nhipstershop.CartService.GetCart\n"; w.Out.String() != want {
		t.Errorf("list of a service printed %q", w.Out.String())
	}
	w.Want(cmdutil.ExitOK, "call", addr, "list", "grpc.reflection.v1.ServerReflection")
	w.WantOut("grpc.reflection.v1.ServerReflection.ServerReflectionInfo\n")
	w.Want(cmdutil.ExitUsage, "call", addr, "list", "CatService")
	w.WantErr(`has no service "CatService"`, "hint: it has hipstershop.CartService")
	w.Want(cmdutil.ExitOK, "call", addr, "list", "-o", "json")
	w.WantOut(`"hipstershop.CartService"`, `"services"`)
	for symbol, want := range map[string]string{
		"hipstershop.CartService": "rpc AddItem", "hipstershop.CartService.AddItem": "message AddItemRequest", "hipstershop.Cart": "repeated .hipstershop.CartItem items",
		"hipstershop.Money": "message Money", "grpc.reflection.v1.ServerReflection": "service ServerReflection", "google.protobuf.Timestamp": "int64 seconds",
	} {
		w.Want(cmdutil.ExitOK, "call", addr, "describe", symbol)
		w.WantOut(want)
	}
	w.Want(cmdutil.ExitOK, "call", addr, "describe")
	w.WantOut("service CartService")
	w.Want(cmdutil.ExitOK, "call", "--msg-template", addr, "describe", "hipstershop.CartService.AddItem")
	w.WantOut(`"productId": ""`)
	w.Want(cmdutil.ExitOK, "call", "catalog", "list") // with the shop down
	w.WantOut("hipstershop.ProductCatalogService\n")
	w.Want(cmdutil.ExitUsage, "call", addr, "describe", "hipstershop.Nope")
}

func TestFlagsOfACallThatDoNotFitTogetherAreRefused(t *testing.T) {
	w := clitest.NewWorld(t)
	pem := filepath.Join(t.TempDir(), "x.pem")
	if err := os.WriteFile(pem, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"-d {}":                            "--data needs a method",
		"Get {} -d {}":                     "the message is there twice",
		"Get --format text -o json":        "--format text and -o cannot be combined",
		"Get --format xml":                 "must be one of json, text",
		"Get --import-path x":              "--import-path needs --proto",
		"Get --cert x":                     "--cert and --key go together",
		"Get --key x":                      "--cert and --key go together",
		"Get --insecure --cacert x":        "cannot be combined",
		"Get --servername a --authority b": "cannot be different",
		"Get --tls --plaintext":            "cannot be combined",
		"Get --tls --from checkout":        "cannot be combined",
		"Get --max-time x":                 "want a duration",
		"Get --max-time 0":                 "a time above zero",
		"Get --proto gone.proto":           "there is no such file",
		"Get --protoset gone.protoset":     "there is no such file",
		"Get --cacert gone.pem":            "gone.pem",
		"Get --cacert " + pem:              "has none in PEM",
		"Get {} -H x-bin:???":              `header "x-bin" cannot be sent`,
		"Get {} -H :path:/":                `header ":path" is a pseudo-header`,
	} {
		w.Want(cmdutil.ExitUsage, append([]string{"call", "127.0.0.1:1"}, strings.Fields(line)...)...)
		w.WantErr(want)
	}
}

func TestATLSHandshakeThatFailsSaysWhatToCheck(t *testing.T) {
	_, addr := serveCart(t, true) // without TLS
	w := clitest.NewWorld(t)
	w.Want(64+14, "call", addr, "GetCart", "--tls")
	w.WantErr("hint: check that the server listens at " + addr + ", speaks gRPC with TLS")
}

func TestHeadersHaveTheVariablesThatTheyReferTo(t *testing.T) {
	impl, addr := serveCart(t, true)
	w := clitest.NewWorld(t)
	const one = `{"userId":"u","item":{"productId":"P","quantity":1}}`
	w.Env["TOKEN"], w.Env["_2"] = "secret", "two"
	w.Want(cmdutil.ExitOK, "call", "-plaintext", "-expand-headers", "-H", "authorization: Bearer ${TOKEN}/${_2} $TOKEN", "-user-agent", "mine/1", "-d", one, addr, "hipstershop.CartService/AddItem")
	if got := strings.Join(impl.header.Get("authorization"), ","); got != "Bearer secret/two $TOKEN" {
		t.Errorf("sent %q", got)
	}
	if got := strings.Join(impl.header.Get("user-agent"), ","); !strings.HasPrefix(got, "mine/1 shopctl ") {
		t.Errorf("user-agent %q", got)
	}
	w.Want(cmdutil.ExitOK, "call", addr, "AddItem", one, "-H", "x-a: ${TOKEN}")
	if got := strings.Join(impl.header.Get("x-a"), ","); got != "${TOKEN}" {
		t.Errorf("sent %q without being asked to", got)
	}
	w.Want(cmdutil.ExitUsage, "call", addr, "GetCart", "--expand-headers", "-H", "x-a: ${NOT_SET}")
	w.WantErr(`header "x-a: ${NOT_SET}" refers to the environment variable NOT_SET, which is not set`, "hint: export NOT_SET=VALUE")
}

func TestHeadersAreReadFromStandardInput(t *testing.T) {
	impl, addr := serveCart(t, true)
	w := clitest.NewWorld(t)
	w.F.IO.In = strings.NewReader("authorization: Bearer abc\r\nx-a: 1\n")
	w.Want(cmdutil.ExitOK, "call", addr, "AddItem", `{"userId":"u","item":{"productId":"P","quantity":1}}`, "-H", "@-", "-H", "x-b: 2")
	got := strings.Join(slices.Concat(impl.header.Get("authorization"), impl.header.Get("x-a"), impl.header.Get("x-b")), ",")
	if got != "Bearer abc,1,2" {
		t.Errorf("sent %q", got)
	}
	for want, args := range map[string][]string{
		"-H @-: standard input has no header":                     {"{}", "-H", "@-"},
		"-H @-: standard input holds the message already":         {"-", "-H", "@-"},
		"-H @gone.txt: headers are read from standard input only": {"{}", "-H", "@gone.txt"},
	} {
		w.Want(cmdutil.ExitUsage, append([]string{"call", addr, "GetCart"}, args...)...)
		w.WantErr(want)
	}
	w.F.IO.In = strings.NewReader("x-a: " + strings.Repeat("a", 64<<10))
	w.Want(cmdutil.ExitUsage, "call", addr, "GetCart", "{}", "-H", "@-")
	w.WantErr("-H @-: standard input has more than 64 KiB of headers")
}

func TestServerAtASocketIsCalled(t *testing.T) {
	path := serveCartAt(t)
	w := clitest.NewWorld(t)
	for _, args := range [][]string{
		{"--unix", path, "list"},
		{"unix://" + path, "list"},
	} {
		if code := w.Run(append([]string{"call"}, args...)...); code != 0 || !strings.Contains(w.Out.String(), "hipstershop.CartService") {
			t.Errorf("%v: exit %d: %s%s", args, code, w.Out.String(), w.Err.String())
		}
	}
	for _, flag := range []string{"--wire", "--repeat=2"} { // each has a way of its own to open the connection
		if code := w.Run("call", "--unix", path, "GetCart", `{"user_id":"u"}`, flag); code != 0 {
			t.Errorf("%s: exit %d: %s", flag, code, w.Err.String())
		}
	}
	w.Want(cmdutil.ExitOK, "__complete", "call", "--unix", path, "")
	w.WantOut("GetCart")
	if code := w.Run("call", "--unix", path+".gone", "GetCart"); code != 64+int(codes.Unavailable) {
		t.Errorf("no socket: exit %d: %s", code, w.Err.String())
	}
}
