package call_test

import (
	"context"
	"encoding/json"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/cli"
	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// cartServer is a cart that remembers one item and the headers of the last call.
type cartServer struct {
	hipstershop.UnimplementedCartServiceServer
	item   *hipstershop.CartItem
	header metadata.MD
	// emptying is called when EmptyCart begins, which ends with its context.
	emptying func()
}

func (s *cartServer) AddItem(ctx context.Context, r *hipstershop.AddItemRequest) (*hipstershop.Empty, error) {
	s.header, _ = metadata.FromIncomingContext(ctx)
	if r.GetItem().GetQuantity() < 1 {
		st, err := status.New(codes.InvalidArgument, "quantity must be at least 1").WithDetails(&hipstershop.CartItem{ProductId: "P  Q"})
		if err != nil {
			return nil, err
		}
		return nil, st.Err()
	}
	s.item = r.GetItem()
	return &hipstershop.Empty{}, nil
}

func (s *cartServer) GetCart(context.Context, *hipstershop.GetCartRequest) (*hipstershop.Cart, error) {
	return &hipstershop.Cart{UserId: "u", Items: []*hipstershop.CartItem{s.item}}, nil
}

func (s *cartServer) EmptyCart(ctx context.Context, _ *hipstershop.EmptyCartRequest) (*hipstershop.Empty, error) {
	if s.emptying != nil {
		s.emptying()
	}
	<-ctx.Done()
	return nil, status.FromContextError(ctx.Err()).Err()
}

// serveCart serves a cart on a free port until the test ends.
func serveCart(t *testing.T, reflect bool) (*cartServer, string) {
	t.Helper()
	return serveCartOn(t, "tcp", "127.0.0.1:0", reflect)
}

// serveCartAt serves a cart on a Unix domain socket, whose path it returns.
func serveCartAt(t *testing.T) string {
	t.Helper()
	_, path := serveCartOn(t, "unix", filepath.Join(t.TempDir(), "cart.sock"), true)
	return path
}

func serveCartOn(t *testing.T, network, addr string, reflect bool) (*cartServer, string) {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	impl, server := &cartServer{}, grpc.NewServer()
	hipstershop.RegisterCartServiceServer(server, impl)
	if reflect {
		reflection.Register(server)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return impl, l.Addr().String()
}

// withCart is a world whose shop has a cart that can be called.
func withCart(t *testing.T) (*clitest.World, *cartServer) {
	t.Helper()
	impl, addr := serveCart(t, false)
	st := clitest.ThreeServices()
	st.Services[0].Address = addr
	st.Services = append(st.Services, &controlpb.Service{
		Name: "frontend", Workload: "frontend", Namespace: "production", State: "ok", Replicas: 1, Ready: 1, Address: "127.0.0.1:41009", Protocol: "http",
	})
	st.Services[2].Protocol = "tcp"
	return clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: st}), impl
}

func TestCallPrintsTheResponse(t *testing.T) {
	w, _ := withCart(t)
	w.Want(cmdutil.ExitOK, "call", "cart", "AddItem", `{"user_id":"u","item":{"product_id":"P","quantity":2}}`)
	if w.Out.String() != "{}\n" {
		t.Errorf("printed %q", w.Out.String())
	}
	w.Want(cmdutil.ExitOK, "call", "cartservice", "hipstershop.CartService.GetCart", `{"userId":"u"}`)
	w.WantOut("{\n  \"userId\": \"u\",\n", `"quantity": 2`)
}

func TestCallReadsTheMessageFromStandardInput(t *testing.T) {
	w, impl := withCart(t)
	w.F.IO.In = strings.NewReader(`{"item":{"productId":"P","quantity":7}}`)
	w.Want(cmdutil.ExitOK, "call", "cart", "AddItem")
	if impl.item.GetQuantity() != 7 {
		t.Errorf("item %v", impl.item)
	}
	w.F.IO.In = strings.NewReader(`{"item":{"productId":"P","quantity":8}}`)
	w.F.IO.InTTY = true
	w.Want(cmdutil.ExitOK, "call", "cart", "AddItem", "-")
	if impl.item.GetQuantity() != 8 {
		t.Errorf("item %v", impl.item)
	}
}

func TestCallThatFailsExitsWithItsCode(t *testing.T) {
	w, _ := withCart(t)
	w.Want(64+3, "call", "cart", "AddItem", "{}")
	w.WantErr(
		"shopctl: error: INVALID_ARGUMENT: quantity must be at least 1\n",
		`shopctl: error: detail: {"@type":"type.googleapis.com/hipstershop.CartItem","productId":"P  Q"}`,
		"shopctl: hint: shopctl call cart AddItem --describe\n",
	)
	w.Want(64+4, "call", "cart", "EmptyCart", "{}", "--deadline", "20ms")
	w.WantErr("DEADLINE_EXCEEDED", "hint: shopctl logs --tail 20 cart")
}

func TestInterruptedCallExitsSo(t *testing.T) {
	w, impl := withCart(t)
	ctx, cancel := context.WithCancel(t.Context())
	impl.emptying = cancel
	if code := cli.Execute(ctx, w.F, []string{"call", "cart", "EmptyCart", "{}"}); code != cmdutil.ExitInterrupted {
		t.Errorf("exit %d: %s", code, w.Err.String())
	}
}

func TestCallPrintsAnEnvelopeAsJSON(t *testing.T) {
	w, impl := withCart(t)
	for code, message := range map[int]string{cmdutil.ExitOK: `{"item":{"quantity":1}}`, 64 + 3: `{}`} {
		w.Want(code, "call", "cart", "AddItem", message, "-o", "json", "--trace", "-H", "x-request-id: 42")
		var envelope struct {
			Method string
			Status struct {
				Code    string
				Number  int
				Message string
				Details []map[string]any
			}
			Messages   []map[string]any
			DurationMs float64 `json:"duration_ms"`
			TraceID    string  `json:"trace_id"`
			Headers    map[string][]string
			Trailers   map[string][]string
		}
		if err := json.Unmarshal(w.Out.Bytes(), &envelope); err != nil {
			t.Fatalf("%v in %s", err, w.Out.String())
		}
		if envelope.Method != "hipstershop.CartService/AddItem" || envelope.Messages == nil || envelope.Status.Details == nil ||
			envelope.Trailers == nil || envelope.Headers == nil {
			t.Errorf("envelope %s", w.Out.String())
		}
		if code == cmdutil.ExitOK && (envelope.Status.Code != "OK" || len(envelope.Messages) != 1) {
			t.Errorf("envelope %s", w.Out.String())
		}
		if code != cmdutil.ExitOK && (envelope.Status.Code != "INVALID_ARGUMENT" || envelope.Status.Number != 3 || len(envelope.Status.Details) != 1) {
			t.Errorf("envelope %s", w.Out.String())
		}
		if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(envelope.TraceID) || !strings.Contains(impl.header.Get("traceparent")[0], envelope.TraceID) {
			t.Errorf("trace id %q, traceparent %q", envelope.TraceID, impl.header.Get("traceparent"))
		}
		w.WantErr("trace: " + envelope.TraceID + "\n")
		if impl.header.Get("x-request-id")[0] != "42" {
			t.Errorf("headers %v", impl.header)
		}
	}
	w.Want(cmdutil.ExitOK, "call", "cart", "AddItem", `{"item":{"quantity":1}}`, "-o", "yaml")
	w.WantOut("status:\n  code: OK\n")
}

func TestCallListsDescribesAndCompletesWithTheShopDown(t *testing.T) {
	w := clitest.NewWorld(t)
	w.Want(cmdutil.ExitOK, "call", "cart")
	w.WantOut("METHOD", "AddItem", "GetCartRequest", "hipstershop.CartService")
	w.WantErr("next: shopctl call cart AddItem --template")
	w.Want(cmdutil.ExitOK, "call", "payment", "-o", "json")
	w.WantOut(`"service": "payment"`, `"full_name": "hipstershop.PaymentService/Charge"`)
	w.Want(cmdutil.ExitOK, "call", "cart", "-o", "name")
	w.WantOut("hipstershop.CartService/GetCart\n")
	w.Want(cmdutil.ExitOK, "call", "cart", "--describe")
	w.WantOut("service CartService {")
	w.Want(cmdutil.ExitOK, "call", "cart", "--describe", "CartItem")
	w.WantOut("string product_id = 1;")
	w.Want(cmdutil.ExitOK, "call", "cart", "AddItem", "--template")
	w.WantOut(`"quantity": 0`)
	w.Want(cmdutil.ExitOK, "__complete", "call", "")
	w.WantOut("cart\n", "catalog\n")
	if strings.Contains(w.Out.String(), "frontend") || strings.Contains(w.Out.String(), "redis-cart") {
		t.Errorf("completes what speaks no gRPC:\n%s", w.Out.String())
	}
	w.Want(cmdutil.ExitOK, "__complete", "call", "catalog", "")
	w.WantOut("ListProducts\tListProducts(Empty) returns (ListProductsResponse)\n")
}

func TestCallNeedsTheShopForTheCallItself(t *testing.T) {
	w := clitest.NewWorld(t)
	for _, args := range [][]string{{"call", "cart", "GetCart"}, {"call", "mine"}, {"call", "frontend"}} {
		w.Want(cmdutil.ExitNotRunning, args...)
		w.WantErr("hint: shopctl up")
	}
}

func TestCallOfAnyServerByItsAddress(t *testing.T) {
	_, addr := serveCart(t, true)
	_, mute := serveCart(t, false)
	w := clitest.NewWorld(t)
	w.Want(cmdutil.ExitOK, "call", addr)
	w.WantOut("AddItem")
	w.Want(cmdutil.ExitOK, "call", addr, "AddItem", `{"item":{"quantity":1}}`)
	w.Want(cmdutil.ExitFailed, "call", mute, "AddItem", `{}`)
	w.WantErr("no reflection service", "hint: register server reflection")
	w.Want(64+14, "call", "127.0.0.1:1", "AddItem", "{}")
	w.WantErr("UNAVAILABLE", "hint: check that the server listens at 127.0.0.1:1")
	w.Want(64+14, "call", "127.0.0.1:1")
	w.WantErr("hint: check that the server listens at 127.0.0.1:1")
}

func TestCallSaysWhatIsWrongWithTheRequest(t *testing.T) {
	w, impl := withCart(t)
	for _, tt := range []struct {
		args []string
		errs []string
	}{
		{[]string{"call"}, []string{"missing argument: a service"}},
		{[]string{"call", "crat", "GetCart"}, []string{`unknown service "crat"`, "hint: did you mean cart?"}},
		{[]string{"call", "cart", "GetCrat"}, []string{`cart has no method "GetCrat"`, "hint: did you mean GetCart?"}},
		{[]string{"call", "cart", "AddItem", `{"itme":{}}`}, []string{`field "itme" is not in hipstershop.AddItemRequest`, "hint: did you mean item?"}},
		{[]string{"call", "cart", "AddItem", `{"item":{"quantity":"two"}}`}, []string{`field "item.quantity" must be a number`, "hint: "}},
		{[]string{"call", "cart", "AddItem", `{item}`}, []string{"is not JSON", "hint: quote it"}},
		{[]string{"call", "cart", "AddItem", `{}`, "-H", "nonsense"}, []string{`header "nonsense"`}},
		{[]string{"call", "cart", "AddItem", `{}`, "--deadline", "-1s"}, []string{"--deadline -1s", "hint: --deadline"}},
		{[]string{"call", "cart", "AddItem", `{}`, "-o", "name"}, []string{"-o name is only for the list of methods"}},
		{[]string{"call", "cart", "AddItem", `{}`, "extra"}, []string{`unexpected argument "extra"`}},
		{[]string{"call", "cart", "--template"}, []string{"missing argument: the method"}},
		{[]string{"call", "cart", "--describe", "CartItme"}, []string{"did you mean CartItem?"}},
		{[]string{"call", "frontend", "Get"}, []string{"it speaks HTTP", "hint: shopctl http /api/v1/products"}},
		{[]string{"call", "redis-cart"}, []string{"over TCP", "hint: shopctl ps"}},
		{[]string{"call", "host:"}, []string{"is not a port"}},
		{[]string{"call", "a:b:c"}, []string{"want a service or host:port"}},
	} {
		w.Want(cmdutil.ExitUsage, tt.args...)
		w.WantErr(append(tt.errs, "shopctl: error: ", "shopctl: hint: ")...)
	}
	if impl.header != nil {
		t.Error("something was sent all the same")
	}
}

func TestCallOfAServiceWithoutAReadyInstanceNamesIt(t *testing.T) {
	w, _ := withCart(t)
	w.Want(64+14, "call", "payment", "Charge", "{}")
	w.WantErr("call payment: no instance is ready (crashloop: exit status 2: listen tcp: address already in use)", "hint: shopctl ps --instances payment")
}

func TestCallReachesAServiceThatHasANameOfItsOwn(t *testing.T) {
	_, addr := serveCart(t, true)
	preview := clitest.Object("v1", "Service", "preview", map[string]any{"spec": map[string]any{"selector": map[string]any{"app": "cartservice"}}})
	nothing := clitest.Object("v1", "Service", "nothing", map[string]any{"spec": map[string]any{"selector": map[string]any{"app": "other"}}})
	st := clitest.ThreeServices()
	st.Services[0].Instances[0].Address = addr
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: st, Objects: []*controlpb.Object{preview, nothing, clitest.Deployment("cartservice", 2, 2)}})
	w.Want(cmdutil.ExitOK, "call", "preview", "AddItem", `{"item":{"quantity":1}}`)
	w.Want(64+14, "call", "nothing", "AddItem", `{"item":{"quantity":1}}`)
	w.WantErr("no instance of the Service is ready", "hint: shopctl describe service nothing")
	w.Want(cmdutil.ExitUsage, "call", "previw", "AddItem")
	w.WantErr(`unknown service "previw"`)
}

func TestCallOfAStoppedServiceSaysHowToStartIt(t *testing.T) {
	st := clitest.ThreeServices()
	st.Services[0].State, st.Services[0].Replicas, st.Services[0].Ready = "stopped", 0, 0
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: st})
	w.Want(64+14, "call", "cart", "GetCart", "{}")
	w.WantErr("call cart: no instance is ready (stopped)", "hint: shopctl start cart")
}

func TestActiveFaultsAreNamedWhenACallFails(t *testing.T) {
	_, addr := serveCart(t, false)
	st := clitest.ThreeServices()
	st.Services[0].Address, st.Services[0].Faults = addr, []string{"INVALID_ARGUMENT 100%"}
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: st})
	w.Want(64+3, "call", "cart", "AddItem", "{}")
	w.WantErr("fault on cart: INVALID_ARGUMENT 100%", "hint: shopctl fault list")
}

func TestFormatErrorPrintsTheStatusAsJSON(t *testing.T) {
	_, addr := serveCart(t, true)
	w := clitest.NewWorld(t)
	if code := w.Run("call", addr, "AddItem", `{"userId":"u","item":{"quantity":0}}`, "--format-error"); code != 64+int(codes.InvalidArgument) {
		t.Errorf("exit %d", code)
	}
	var got struct {
		Code    int
		Message string
		Details []map[string]any
	}
	if err := json.Unmarshal(w.Err.Bytes(), &got); err != nil {
		t.Fatalf("%v in %s", err, w.Err.String())
	}
	if got.Code != int(codes.InvalidArgument) || got.Message != "quantity must be at least 1" || len(got.Details) != 1 || got.Details[0]["productId"] != "P  Q" {
		t.Errorf("got %+v", got)
	}
	if code := w.Run("call", addr, "AddItem", "{}", "--format-error", "-o", "json"); code != 2 {
		t.Errorf("with -o json: exit %d, want 2", code)
	}
}
