package call_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

func startCart(t testing.TB) (*cart, call.Target) {
	impl := &cart{}
	return impl, cartTarget(listen(t, func(s *grpc.Server) { hipstershop.RegisterCartServiceServer(s, impl) }))
}

func TestLinkedContractIsCalledWithoutReflection(t *testing.T) {
	_, target := startCart(t)
	c := newCaller(t)
	r := invoke(t, c, call.Request{Target: target, Method: "AddItem", Messages: strings.NewReader(`{"user_id":"u","item":{"productId":"P","quantity":2}}`)})
	if r.Status.Code() != codes.OK {
		t.Fatalf("status %v", r.Status)
	}
	expectMessages(t, r, "{}")
	r = invoke(t, c, call.Request{Target: target, Method: "hipstershop.CartService/GetCart", Messages: strings.NewReader(`{"userId":"u"}`)})
	expectMessages(t, r, `{"userId":"u","items":[{"productId":"P","quantity":2}]}`)
	if got := r.Header.Get("x-head"); len(got) != 1 || got[0] != "1" {
		t.Errorf("header %v", r.Header)
	}
	if got := r.Trailer.Get("x-tail"); len(got) != 1 || got[0] != "2" {
		t.Errorf("trailer %v", r.Trailer)
	}
	if r.Duration <= 0 || r.Method.Full() != "hipstershop.CartService/GetCart" {
		t.Errorf("took %s, method %s", r.Duration, r.Method.Full())
	}
}

func TestCallWithoutAMessageSendsAnEmptyOne(t *testing.T) {
	_, target := startCart(t)
	for name, in := range map[string]io.Reader{"nil": nil, "empty": strings.NewReader(" \n")} {
		r := invoke(t, newCaller(t), call.Request{Target: target, Method: "GetCart", Messages: in, EmitDefaults: true})
		if got := compact(r); len(got) != 1 || got[0] != `{"userId":"","items":[]}` {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestErrorShowsCodeMessageAndDecodedDetails(t *testing.T) {
	_, target := startCart(t)
	r := invoke(t, newCaller(t), call.Request{Target: target, Method: "AddItem"})
	if r.Status.Code() != codes.InvalidArgument || r.Status.Message() != "quantity must be above zero" || len(r.Messages) != 0 {
		t.Errorf("status %v, messages %q", r.Status, r.Messages)
	}
	if len(r.Details) != 1 {
		t.Fatalf("details %q", r.Details)
	}
	var detail struct {
		Type       string `json:"@type"`
		Violations []struct{ Field string }
	}
	var fields map[string]any
	if err := errors.Join(json.Unmarshal(r.Details[0], &detail), json.Unmarshal(r.Details[0], &fields)); err != nil {
		t.Fatal(err)
	}
	if detail.Type != "type.googleapis.com/google.rpc.BadRequest" || fields["fieldViolations"] == nil {
		t.Errorf("detail %s", r.Details[0])
	}
}

func TestDetailOfAnUnknownTypeIsShownRaw(t *testing.T) {
	r := invoke(t, newCaller(t), call.Request{Target: streamsTarget(t), Method: "UnaryCall", Messages: strings.NewReader(`{"responseStatus":{"code":9,"message":"no"}}`)})
	if r.Status.Code() != codes.FailedPrecondition || len(r.Details) != 1 || !strings.Contains(string(r.Details[0]), "unheard.Of") {
		t.Errorf("status %v, details %q", r.Status, r.Details)
	}
}

func TestEveryKindOfMethodWorksByReflection(t *testing.T) {
	target := streamsTarget(t)
	c := newCaller(t)
	t.Run("unary", func(t *testing.T) {
		r := invoke(t, c, call.Request{Target: target, Method: "UnaryCall", Messages: strings.NewReader(`{"payload":{"body":"aGk="}}`)})
		expectMessages(t, r, `{"payload":{"body":"aGk="},"username":"somebody"}`)
	})
	t.Run("server streams", func(t *testing.T) {
		var seen int
		request := call.Request{
			Target: target, Method: "StreamingOutputCall",
			Messages: strings.NewReader(`{"responseParameters":[{"size":1},{"size":3}],"responseStatus":{"code":5}}`),
		}
		r := invoke(t, c, request)
		expectMessages(t, r, `{"payload":{"body":"eA=="}}`, `{"payload":{"body":"eHh4"}}`)
		request.Messages = strings.NewReader(`{"responseParameters":[{"size":1},{"size":3}],"responseStatus":{"code":5}}`)
		request.OnMessage = func(json.RawMessage) { seen++ }
		r = invoke(t, c, request)
		if seen != 2 || len(r.Messages) != 0 || r.Status.Code() != codes.NotFound || r.Status.Message() != "after the last" {
			t.Errorf("seen %d, status %v", seen, r.Status)
		}
	})
	t.Run("client streams", func(t *testing.T) {
		r := invoke(t, c, call.Request{Target: target, Method: "StreamingInputCall", Messages: strings.NewReader(`{"payload":{"body":"eA=="}} {"payload":{"body":"eHh4"}}`)})
		expectMessages(t, r, `{"aggregatedPayloadSize":4}`)
	})
	t.Run("client streams nothing", func(t *testing.T) {
		expectMessages(t, invoke(t, c, call.Request{Target: target, Method: "StreamingInputCall"}), `{}`)
	})
	t.Run("both stream", func(t *testing.T) {
		r := invoke(t, c, call.Request{Target: target, Method: "FullDuplexCall", Messages: strings.NewReader("{}\n{}\n{}")})
		expectMessages(t, r, `{"payload":{"body":"MQ=="}}`, `{"payload":{"body":"Mg=="}}`, `{"payload":{"body":"Mw=="}}`)
	})
	t.Run("health, which is not listed", func(t *testing.T) {
		expectMessages(t, invoke(t, c, call.Request{Target: target, Method: "grpc.health.v1.Health/Check"}), `{"status":"SERVING"}`)
	})
}

func TestStreamThatTheServerEndsDoesNotWaitForMoreInput(t *testing.T) {
	in, out := io.Pipe() // a user who types one message and then pauses
	written := make(chan error, 1)
	go func() {
		_, err := io.WriteString(out, `{"responseStatus":{"code":7,"message":"no"}}`)
		written <- err
	}()
	r := invoke(t, newCaller(t), call.Request{Target: streamsTarget(t), Method: "FullDuplexCall", Messages: in})
	if r.Status.Code() != codes.PermissionDenied {
		t.Errorf("status %v", r.Status)
	}
	if err := errors.Join(<-written, in.Close()); err != nil {
		t.Error(err)
	}
}

func TestClientStreamThatTheServerEndsIsNoticedWithALaterMessage(t *testing.T) {
	in, out := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, err := io.WriteString(out, `{"payload":{"body":"`+strings.Repeat("eHh4", 400)+`"}}`); err != nil {
				return
			}
		}
	}()
	r := invoke(t, newCaller(t), call.Request{Target: streamsTarget(t), Method: "StreamingInputCall", Messages: in})
	if r.Status.Code() != codes.ResourceExhausted {
		t.Errorf("status %v", r.Status)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	<-done
}

func TestDeadlineEndsACallThatHangs(t *testing.T) {
	_, target := startCart(t)
	r := invoke(t, newCaller(t), call.Request{Target: target, Method: "EmptyCart", Deadline: 20 * time.Millisecond})
	if r.Status.Code() != codes.DeadlineExceeded {
		t.Errorf("status %v", r.Status)
	}
}

func TestDeadlineEndsAStreamWhoseInputHangs(t *testing.T) {
	c, target := newCaller(t), streamsTarget(t)
	for _, method := range []string{"StreamingInputCall", "FullDuplexCall"} {
		in, out := io.Pipe()
		r := invoke(t, c, call.Request{Target: target, Method: method, Messages: in, Deadline: 50 * time.Millisecond})
		if r.Status.Code() != codes.DeadlineExceeded {
			t.Errorf("%s: status %v", method, r.Status)
		}
		out.Close()
	}
}

func TestInterruptedCallIsCanceled(t *testing.T) {
	_, target := startCart(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := newCaller(t).Invoke(ctx, call.Request{Target: target, Method: "EmptyCart"})
	if err != nil || r.Status.Code() != codes.Canceled {
		t.Errorf("result %v, err %v", r, err)
	}
}

func TestHeadersAndTraceReachTheServer(t *testing.T) {
	impl, target := startCart(t)
	r := invoke(t, newCaller(t), call.Request{
		Target: target, Method: "AddItem", Headers: []string{"X-Request-Id: 42", "x-data-bin: aGk="}, Trace: true,
	})
	if got := impl.header.Get("x-request-id"); len(got) != 1 || got[0] != "42" {
		t.Errorf("x-request-id %q", got)
	}
	if got := impl.header.Get("x-data-bin"); len(got) != 1 || got[0] != "hi" {
		t.Errorf("x-data-bin %q", got)
	}
	parent := impl.header.Get("traceparent")
	if len(parent) != 1 || !regexp.MustCompile(`^00-`+r.TraceID+`-[0-9a-f]{16}-01$`).MatchString(parent[0]) || len(r.TraceID) != 32 {
		t.Errorf("traceparent %q, trace id %q", parent, r.TraceID)
	}
	if again := invoke(t, newCaller(t), call.Request{Target: target, Method: "GetCart"}); again.TraceID != "" {
		t.Errorf("trace id %q without a trace", again.TraceID)
	}
}

func TestARefusedConnectionIsAResult(t *testing.T) {
	l := listen(t, func(*grpc.Server) {})
	for name, tt := range map[string]call.Request{
		"linked":     {Target: cartTarget("127.0.0.1:1"), Method: "GetCart"},
		"reflection": {Target: call.Target{Name: "mine", Addr: "127.0.0.1:1"}, Method: "Anything"},
	} {
		r := invoke(t, newCaller(t), tt)
		if r.Status.Code() != codes.Unavailable || !strings.Contains(r.Status.Message(), "127.0.0.1:1") {
			t.Errorf("%s: status %v", name, r.Status)
		}
	}
	_, err := newCaller(t).Invoke(t.Context(), call.Request{Target: call.Target{Name: "mine", Addr: l}, Method: "Anything"})
	if !errors.Is(err, call.ErrNoReflection) {
		t.Errorf("err = %v", err)
	}
	_, err = newCaller(t).Invoke(t.Context(), call.Request{Target: cartTarget(""), Method: "GetCart"})
	if !errors.Is(err, call.ErrNotRunning) {
		t.Errorf("err = %v", err)
	}
}

func TestStreamWithoutAServerIsAResult(t *testing.T) {
	l := listen(t, func(*grpc.Server) {})
	target := call.Target{Name: "streams", Addr: l, GRPC: []string{"grpc.testing.TestService"}}
	for _, method := range []string{"StreamingInputCall", "FullDuplexCall", "StreamingOutputCall"} {
		r := invoke(t, newCaller(t), call.Request{Target: target, Method: method})
		if r.Status.Code() != codes.Unimplemented {
			t.Errorf("%s: status %v", method, r.Status)
		}
		target := call.Target{Name: "streams", Addr: "127.0.0.1:1", GRPC: target.GRPC}
		if r := invoke(t, newCaller(t), call.Request{Target: target, Method: method}); r.Status.Code() != codes.Unavailable {
			t.Errorf("%s: status %v", method, r.Status)
		}
	}
}

func TestWrongRequestIsRefusedWithAHint(t *testing.T) {
	_, target := startCart(t)
	streaming := streamsTarget(t)
	for _, tt := range []struct {
		name       string
		r          call.Request
		text, hint string
	}{
		{"method", call.Request{Target: target, Method: "GetCrat"}, `cart has no method "GetCrat"`, "did you mean GetCart?"},
		{"method far off", call.Request{Target: target, Method: "Zzzzzz"}, `no method "Zzzzzz"`, "AddItem, GetCart, EmptyCart"},
		{"two messages", call.Request{Target: target, Method: "GetCart", Messages: strings.NewReader("{}{}")}, "takes one message", "each"},
		{"no JSON", call.Request{Target: target, Method: "GetCart", Messages: strings.NewReader("{user")}, "message 1 is not JSON", "quote it"},
		{"half JSON", call.Request{Target: target, Method: "GetCart", Messages: strings.NewReader(`{"userId":`)}, "ends in the middle", "quote it"},
		{"header", call.Request{Target: target, Method: "GetCart", Headers: []string{"nonsense"}}, `header "nonsense"`, "-H"},
		{"reserved header", call.Request{Target: target, Method: "GetCart", Headers: []string{"grpc-timeout: 1S"}}, "gRPC's own", "grpc-"},
		{"later message of a stream", call.Request{Target: streaming, Method: "FullDuplexCall", Messages: strings.NewReader(`{} {"payloda":{}}`)}, `field "payloda"`, "did you mean payload?"},
		{"message of a client stream", call.Request{Target: streaming, Method: "StreamingInputCall", Messages: strings.NewReader(`{} {"payload":1}`)}, `field "payload" must be an object`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := newCaller(t).Invoke(t.Context(), tt.r)
			expectInvalid(t, err, tt.text, tt.hint)
		})
	}
}
