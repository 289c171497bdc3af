package checkout_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shoperr"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

func TestAFailingStepIsNamedWithItsCauseAndACodeToActOn(t *testing.T) {
	for _, c := range []struct {
		name, method string
		cause        error
		code         codes.Code
		text         string
		charged      bool
	}{
		{
			"cart away", "GetCart", status.Error(codes.Unavailable, "store gone"), codes.Unavailable,
			"cart failure: failed to get user cart during checkout: rpc error: code = Unavailable desc = store gone", false,
		},
		{
			"cart broken", "GetCart", status.Error(codes.Internal, "100%s broken"), codes.Internal,
			"cart failure: failed to get user cart during checkout: rpc error: code = Internal desc = 100%s broken", false,
		},
		{
			"catalog away", "GetProduct", status.Error(codes.Unavailable, "away"), codes.Unavailable,
			`failed to prepare order: failed to get product #"`, false,
		},
		{
			"catalog unknown", "GetProduct", status.Error(codes.Unknown, "what"), codes.Internal,
			`": rpc error: code = Unknown desc = what`, false,
		},
		{
			"currency away", "Convert", status.Error(codes.ResourceExhausted, "busy"), codes.ResourceExhausted,
			"rpc error: code = ResourceExhausted desc = busy", false,
		},
		{
			"quote away", "GetQuote", status.Error(codes.Unavailable, "away"), codes.Unavailable,
			"shipping quote failure: failed to get shipping quote: rpc error: code = Unavailable desc = away", false,
		},
		{
			"quote refused", "GetQuote", status.Error(codes.InvalidArgument, "no such place"), codes.InvalidArgument,
			"shipping quote failure: failed to get shipping quote: rpc error: code = InvalidArgument desc = no such place", false,
		},
		{
			"card declined", "Charge", status.Error(codes.InvalidArgument, "Credit card info is invalid"), codes.InvalidArgument,
			"failed to charge card: could not charge the card: rpc error: code = InvalidArgument desc = Credit card info is invalid", false,
		},
		{
			"card declined by the original", "Charge", status.Error(codes.Code(400), "Credit card info is invalid"), codes.InvalidArgument,
			"failed to charge card: could not charge the card: rpc error: code = Code(400) desc = Credit card info is invalid", false,
		},
		{
			"payment away", "Charge", status.Error(codes.Unavailable, "injected"), codes.Unavailable,
			"failed to charge card: could not charge the card: rpc error: code = Unavailable desc = injected", false,
		},
		{"payment without permission", "Charge", status.Error(codes.PermissionDenied, "no"), codes.Internal, "failed to charge card", false},
		{
			"shipping away", "ShipOrder", status.Error(codes.Unavailable, "no lorry"), codes.Unavailable,
			"shipping error: shipment failed: rpc error: code = Unavailable desc = no lorry; the charge was refunded", true,
		},
		{
			"shipping broken", "ShipOrder", status.Error(codes.Internal, "lorry on fire"), codes.Internal,
			"shipping error: shipment failed: rpc error: code = Internal desc = lorry on fire; the charge was refunded", true,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			s.breakIt(c.method, c.cause)
			_, err := s.client.PlaceOrder(t.Context(), order())
			// The text of gRPC about its retries is between the step and the cause.
			said := strings.Replace(status.Convert(err).Message(), "max retries exhausted: failed after 3 attempts: ", "", 1)
			if status.Code(err) != c.code || !strings.Contains(said, c.text) {
				t.Errorf("got  %v\nwant %v with %s", err, c.code, c.text)
			}
			s.wantCalls(t, "EmptyCart 0 SendOrderConfirmation 0")
			if len(s.cart) != 2 {
				t.Errorf("the cart was touched: %v", s.cart)
			}
			if c.charged {
				s.wantCalls(t, "Charge 1 Refund 1")
			} else {
				s.wantCalls(t, "Refund 0 ShipOrder 0")
			}
		})
	}
}

func TestTheReasonOfAFailureIsInItsDetails(t *testing.T) {
	for _, c := range []struct {
		method              string
		cause               error
		reason, step, money string
	}{
		{"GetCart", status.Error(codes.Unavailable, "away"), shoperr.CartUnavailable, shoperr.StepCart, ""},
		{"GetProduct", status.Error(codes.Internal, "broken"), shoperr.ProductUnavailable, shoperr.StepProduct, ""},
		{"GetProduct", status.Error(codes.NotFound, "not sold"), shoperr.ProductNotFound, shoperr.StepProduct, ""},
		{"Convert", status.Error(codes.Internal, "broken"), shoperr.CurrencyUnavailable, shoperr.StepConvert, ""},
		{"GetQuote", status.Error(codes.Internal, "broken"), shoperr.ShippingUnavailable, shoperr.StepQuote, ""},
		{"Charge", status.Error(codes.Internal, "broken"), shoperr.PaymentUnavailable, shoperr.StepCharge, ""},
		{"Charge", status.Error(codes.InvalidArgument, "expired"), shoperr.PaymentDeclined, shoperr.StepCharge, ""},
		{"Charge", status.Error(codes.Code(400), "expired"), shoperr.PaymentDeclined, shoperr.StepCharge, ""},
		{"Charge", shoperr.New(codes.InvalidArgument, "other", shoperr.Payment, shoperr.IdempotencyKeyReused, nil), shoperr.IdempotencyKeyReused, shoperr.StepCharge, ""},
		{"ShipOrder", status.Error(codes.Internal, "broken"), shoperr.ShippingUnavailable, shoperr.StepShip, shoperr.ChargeRefunded},
	} {
		s := open(t)
		s.breakIt(c.method, c.cause)
		_, err := s.client.PlaceOrder(t.Context(), order())
		reason, metadata, _ := shoperr.Find(err, shoperr.Checkout)
		if reason != c.reason || metadata[shoperr.Step] != c.step || metadata[shoperr.Charge] != c.money {
			t.Errorf("%s fails with %v: got reason %q and %v", c.method, c.cause, reason, metadata)
		}
		if cause := status.Convert(c.cause).Message(); !strings.HasSuffix(metadata[shoperr.Cause], cause) {
			t.Errorf("%s: the cause is %q, want %q", c.method, metadata[shoperr.Cause], cause)
		}
	}
}

func TestWhatIsRefusedBeforeAnyCallHasAReasonToo(t *testing.T) {
	s := open(t)
	bad := order()
	bad.Email = "nowhere"
	if reason, _, _ := shoperr.Find(errorOf(s.client.PlaceOrder(t.Context(), bad)), shoperr.Checkout); reason != shoperr.InvalidRequest {
		t.Errorf("got %q", reason)
	}
	s.cart = nil
	if reason, _, _ := shoperr.Find(errorOf(s.client.PlaceOrder(t.Context(), order())), shoperr.Checkout); reason != shoperr.CartEmpty {
		t.Errorf("got %q", reason)
	}
}

func errorOf(_ *pb.PlaceOrderResponse, err error) error { return err }

func TestMoneyIsRecordedOnTheSpanOfAnOrder(t *testing.T) {
	s := open(t)
	resp, err := s.client.PlaceOrder(t.Context(), order())
	if err != nil {
		t.Fatal(err)
	}
	spans := s.sink.Wait(t, func(spans []chassistest.Span) bool { return len(placed(spans)) == 1 })
	span := placed(spans)[0]
	if span.Attr(shopv1.AttrOrder) != resp.GetOrder().GetOrderId() || span.Attr(shopv1.AttrTransaction) != "transaction-1" || span.Attr(shopv1.AttrAmount) == "" {
		t.Errorf("got %v", span)
	}
}

func placed(spans []chassistest.Span) []chassistest.Span {
	return slices.DeleteFunc(slices.Clone(spans), func(s chassistest.Span) bool { return s.Attr(shopv1.AttrAudit) != shopv1.AuditPlaced })
}

func TestConversionsAreDistinguished(t *testing.T) {
	s := open(t)
	s.cart = s.cart[:1]
	for currency, want := range map[string]string{
		"XXX": `unsupported currency "XXX"`,
		"AED": `unsupported currency "AED"`,
	} {
		req := order()
		req.UserCurrency = currency
		_, err := s.client.PlaceOrder(t.Context(), req)
		said := status.Convert(err).Message()
		price := strings.HasPrefix(said, `failed to prepare order: failed to convert price of "MUG" to `+currency+": ")
		shipping := strings.HasPrefix(said, "failed to convert shipping cost to currency: failed to convert currency: ")
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(said, want) || !price && !shipping {
			t.Errorf("%s: got %v", currency, err)
		}
	}
	s.wantCalls(t, "Charge 0")
}

func TestAProductThatIsNoLongerSoldMustLeaveTheCartFirst(t *testing.T) {
	s := open(t)
	s.cart = append(s.cart, &pb.CartItem{ProductId: "GONE", Quantity: 1})
	_, err := s.client.PlaceOrder(t.Context(), order())
	want := `failed to prepare order: failed to get product #"GONE": rpc error: code = NotFound desc = no product with ID GONE`
	if status.Code(err) != codes.FailedPrecondition || status.Convert(err).Message() != want {
		t.Errorf("got %v", err)
	}
}

func TestACartIsEmptiedAgainUntilItIs(t *testing.T) {
	s := open(t)
	s.fault["EmptyCart"] = func(_ context.Context, nth int) error {
		if nth < 3 {
			return status.Error(codes.Unavailable, "restarting")
		}
		return nil
	}
	if _, err := s.client.PlaceOrder(t.Context(), order()); err != nil {
		t.Fatal(err)
	}
	s.wantCalls(t, "EmptyCart 3")
	if len(s.cart) != 0 {
		t.Errorf("the cart can be ordered again: %v", s.cart)
	}
}

func TestNeitherTheCartNorTheMailUndoAnOrder(t *testing.T) {
	s := open(t)
	s.breakIt("EmptyCart", status.Error(codes.Internal, "stuck"))
	s.breakIt("SendOrderConfirmation", status.Error(codes.Internal, "no stamps"))
	if _, err := s.client.PlaceOrder(t.Context(), order()); err != nil {
		t.Fatal(err)
	}
	s.wantCalls(t, "EmptyCart 1 SendOrderConfirmation 1 Refund 0")
	for _, want := range []string{"cart not emptied", "order confirmation not sent", "order placed"} {
		if !strings.Contains(s.service.Logs(), want) {
			t.Errorf("the log does not say %q", want)
		}
	}
}

func TestTheCallersDeadlineIsPassedOn(t *testing.T) {
	for _, method := range []string{"GetCart", "GetProduct", "Convert", "GetQuote", "Charge"} {
		s := open(t)
		deadlines := make(chan time.Time, 8)
		s.fault[method] = func(ctx context.Context, _ int) error {
			d, _ := ctx.Deadline()
			deadlines <- d
			<-ctx.Done() // hangs
			return ctx.Err()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		ended := make(chan error, 1)
		go func() {
			_, err := s.client.PlaceOrder(ctx, order())
			ended <- err
		}()
		deadline, _ := ctx.Deadline()
		if got := <-deadlines; got.After(deadline.Add(100 * time.Millisecond)) {
			t.Errorf("%s has %v more than the caller", method, got.Sub(deadline))
		}
		cancel()
		if err := <-ended; status.Code(err) != codes.Canceled {
			t.Errorf("%s hangs and the caller hangs up: got %v", method, err)
		}
	}
}

func TestACallerWhoseTimeIsUpGetsDeadlineExceeded(t *testing.T) {
	s := open(t)
	s.fault["GetCart"] = func(ctx context.Context, _ int) error {
		<-ctx.Done() // hangs
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := s.client.PlaceOrder(ctx, order()); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("got %v", err)
	}
}

func TestACallerWhoHangsUpAfterTheChargeStillGetsTheOrder(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	finished := make(chan struct{})
	s.fault["ShipOrder"] = func(context.Context, int) error { cancel(); return nil }
	s.fault["SendOrderConfirmation"] = func(context.Context, int) error { close(finished); return nil }
	_, err := s.client.PlaceOrder(ctx, order())
	if status.Code(err) != codes.Canceled {
		t.Errorf("got %v", err)
	}
	<-finished
	s.wantCalls(t, "Charge 1 ShipOrder 1 Refund 0")
}

func TestOneOrderIsOneTrace(t *testing.T) {
	s := open(t)
	if _, err := s.client.PlaceOrder(t.Context(), order()); err != nil {
		t.Fatal(err)
	}
	if err := s.service.Stop(); err != nil {
		t.Fatal(err)
	}
	// One call in, eleven out, each of them seen from both ends.
	spans := s.sink.Wait(t, func(spans []chassistest.Span) bool { return len(spans) >= 1+2*11 })
	roots := 0
	for _, span := range spans {
		if span.Trace() != spans[0].Trace() {
			t.Errorf("%s %s is in a trace of its own", span.Service, span.Name)
		}
		if span.Parent() == "" {
			roots++
		}
		if strings.Contains(span.String(), "4432801561520454") {
			t.Errorf("%s %s names the card", span.Service, span.Name)
		}
	}
	if roots != 1 {
		t.Errorf("the trace has %d roots, want 1", roots)
	}
}

func TestNoCardReachesTheLog(t *testing.T) {
	s := open(t)
	for _, method := range []string{"none", "Charge", "ShipOrder"} {
		s.breakIt(method, status.Error(codes.Internal, "broken"))
		_, _ = s.client.PlaceOrder(t.Context(), order())
	}
	if strings.Contains(s.service.Logs(), "4432801561520454") {
		t.Error("the log holds the card's number")
	}
}
