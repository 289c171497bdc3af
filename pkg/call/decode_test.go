package call

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

func decodeInto(raw string, m proto.Message) error {
	wire, err := decode(json.RawMessage(raw), m.ProtoReflect().Descriptor(), resolver{}, false)
	if err != nil {
		return err
	}
	return proto.Unmarshal(wire, m)
}

func TestWrongFieldIsNamedWithItsPath(t *testing.T) {
	order, charge, event := &hipstershop.SendOrderConfirmationRequest{}, &hipstershop.ChargeRequest{}, &controlpb.EditRequest{}
	simple := &grpc_testing.SimpleRequest{}
	for _, tt := range []struct {
		into       proto.Message
		raw        string
		text, hint string
	}{
		{charge, `{"amout":{}}`, `field "amout" is not in hipstershop.ChargeRequest`, "did you mean amount?"},
		{charge, `{"amount":{"currencyCod":"EUR"}}`, `field "amount.currencyCod" is not in hipstershop.Money`, "did you mean currencyCode?"},
		{charge, `{"amount":{"currency_cod":"EUR"}}`, `field "amount.currency_cod"`, "did you mean currency_code?"},
		{charge, `{"amount":{"zzzzzzz":"EUR"}}`, `field "amount.zzzzzzz"`, "it has currency_code, units, nanos"},
		{&hipstershop.Empty{}, `{"a":1}`, `field "a" is not in hipstershop.Empty`, "no fields"},
		{charge, `{"amount":"EUR"}`, `field "amount" must be an object (Money), not a string`, ""},
		{charge, `{"amount":{"units":true}}`, `field "amount.units" must be a number (int64), not true`, ""},
		{charge, `{"amount":{"nanos":"x"}}`, `field "amount.nanos" must be a number (int32), not "x"`, ""},
		{charge, `{"amount":{"nanos":3000000000}}`, `field "amount.nanos": 3000000000 does not fit into int32`, ""},
		{charge, `{"amount":{"nanos":1.5}}`, `field "amount.nanos" must be a number (int32), not "1.5"`, ""},
		{charge, `{"creditCard":{"creditCardNumber":4432}}`, `field "creditCard.creditCardNumber" must be a string, not the number 4432`, ""},
		{order, `{"order":{"items":{}}}`, `field "order.items" must be an array, not an object`, ""},
		{order, `{"order":{"items":[{"item":{"quantity":[]}}]}}`, `field "order.items[0].item.quantity" must be a number (int32), not an array`, ""},
		{order, `{"order":{"items":[null]}}`, `field "order.items[0]" must be an object (OrderItem), not null`, ""},
		{charge, `[]`, `the message must be an object (ChargeRequest), not an array`, ""},
		{charge, `null`, `the message must be an object (ChargeRequest), not null`, ""},
		{event, `{"restart":"yes"}`, `field "restart" must be true or false, not a string`, ""},
		{event, `{"setEnv":{"set":{"A":1}}}`, `field "setEnv.set.A" must be a string, not the number 1`, ""},
		{event, `{"setEnv":{"set":[]}}`, `field "setEnv.set" must be an object, not an array`, ""},
		{event, `{"stop":true,"start":true}`, `oneof`, ""},
		{event, `{"stop":true,"stop":true}`, `duplicate`, ""},
		{simple, `{"responseType":"COMPRESSIBLE"}`, `has no value "COMPRESSIBLE"`, "did you mean COMPRESSABLE?"},
		{simple, `{"responseType":[]}`, `field "responseType" must be a name of PayloadType, not an array`, ""},
		{simple, `{"payload":{"body":1}}`, `field "payload.body" must be a string in base64, not the number 1`, ""},
		{simple, `{"payload":{"body":"?"}}`, `body`, ""},
		{&controlpb.InjectFaultRequest{}, `{"fault":{"percent":"much"}}`, `field "fault.percent" must be a number (double), not "much"`, ""},
		{&controlpb.InjectFaultRequest{}, `{"for":"soon"}`, `soon`, ""},
	} {
		err := decodeInto(tt.raw, tt.into)
		var invalid *Invalid
		if !errors.As(err, &invalid) || !strings.Contains(invalid.Text, tt.text) || !strings.Contains(invalid.Hint, tt.hint) {
			t.Errorf("%s:\ngot  %#v\nwant %q, hint %q", tt.raw, err, tt.text, tt.hint)
		}
	}
}

func TestEveryFormThatProtobufAllowsIsRead(t *testing.T) {
	charge := &hipstershop.ChargeRequest{}
	raw := `{"amount":{"currency_code":"EUR","units":"12","nanos":5e8},"credit_card":null}`
	if err := decodeInto(raw, charge); err != nil || charge.GetAmount().GetUnits() != 12 || charge.GetAmount().GetNanos() != 500000000 {
		t.Errorf("%v, %v", charge, err)
	}
	fault := &controlpb.InjectFaultRequest{}
	if err := decodeInto(`{"fault":{"percent":"12.5","crash":false},"for":"1.5s"}`, fault); err != nil || fault.GetFor().AsDuration().Seconds() != 1.5 {
		t.Errorf("%v, %v", fault, err)
	}
	simple := &grpc_testing.SimpleRequest{}
	if err := decodeInto(`{"responseType":0,"responseSize":1.0,"fillUsername":true,"payload":{"body":"aGk="}}`, simple); err != nil || string(simple.GetPayload().GetBody()) != "hi" {
		t.Errorf("%v, %v", simple, err)
	}
	anything := &structpb.Struct{}
	if err := decodeInto(`{"a":[1,null,{"b":true}]}`, anything); err != nil {
		t.Errorf("%v, %v", anything, err)
	}
	boxed := &anypb.Any{}
	if err := decodeInto(`{"@type":"type.googleapis.com/hipstershop.Money","units":3}`, boxed); err != nil {
		t.Fatal(err)
	}
	if m, err := boxed.UnmarshalNew(); err != nil || m.(*hipstershop.Money).GetUnits() != 3 {
		t.Errorf("%v, %v", m, err)
	}
	if err := decodeInto(`{"@type":"type.googleapis.com/un.known"}`, boxed); err == nil {
		t.Error("an Any of an unknown type is read")
	}
}

func TestMessagesFollowOneAnother(t *testing.T) {
	stream := newMessages(strings.NewReader(`{"a":1}{"b":2} 3
		[4]`), 100)
	var got []string
	for {
		raw, err := stream.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(raw))
	}
	if strings.Join(got, "|") != `{"a":1}|{"b":2}|3|[4]` {
		t.Errorf("got %q", got)
	}
}

// endless is a string that does not end.
type endless struct{ started bool }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	if !e.started {
		p[0], e.started = '"', true
	}
	return len(p), nil
}

func TestMessageThatNeverEndsIsRefused(t *testing.T) {
	_, err := newMessages(&endless{}, 1000).next()
	if err == nil || !strings.Contains(err.Error(), "longer than 1000 bytes") {
		t.Errorf("err = %v", err)
	}
}

func TestDeepNestingIsRefused(t *testing.T) {
	for _, raw := range []string{
		strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000),
		strings.Repeat(`{"a":`, 101) + `"}"` + strings.Repeat("}", 101),
	} {
		var invalid *Invalid
		if err := decodeInto(raw, &structpb.Struct{}); !errors.As(err, &invalid) || !strings.Contains(invalid.Text, "nested deeper than 100 levels") {
			t.Errorf("err = %v", err)
		}
	}
	shallow := `{"a":"` + strings.Repeat(`{[\"`, 1000) + `","b":` + strings.Repeat("[", 90) + strings.Repeat("]", 90) + `}`
	if err := decodeInto(shallow, &structpb.Struct{}); err != nil {
		t.Errorf("err = %v", err)
	}
}

// FuzzDecode shows that no JSON makes the reader panic, and that what it refuses, it refuses with words of its own.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `{"amount":{"units":"1"}}`, `{"email":"a@b","order":{"items":[{"item":{"productId":"x"}}]}}`,
		`{"@type":"type.googleapis.com/hipstershop.Money","units":3}`, `{"fields":{"a":null}}`, `{"setEnv":{"set":{"A":"b"},"unset":["c"]}}`,
		`{"for":"1s","fault":{"percent":1e308,"injected":"2020-01-01T00:00:00Z"}}`, `{"[a.b]":1}`, `{"a":1,"a":2}`, "\xff", `{"units":1e999}`,
	} {
		f.Add(seed)
	}
	types := []protoreflect.MessageDescriptor{
		(&hipstershop.SendOrderConfirmationRequest{}).ProtoReflect().Descriptor(),
		(&hipstershop.ChargeRequest{}).ProtoReflect().Descriptor(),
		(&controlpb.EditRequest{}).ProtoReflect().Descriptor(),
		(&controlpb.InjectFaultRequest{}).ProtoReflect().Descriptor(),
		(&grpc_testing.SimpleRequest{}).ProtoReflect().Descriptor(),
		(&anypb.Any{}).ProtoReflect().Descriptor(),
		(&structpb.Value{}).ProtoReflect().Descriptor(),
	}
	f.Fuzz(func(t *testing.T, text string) {
		stream := newMessages(strings.NewReader(text), 1<<20)
		for range 10 {
			raw, err := stream.next()
			if err != nil {
				break
			}
			for _, d := range types {
				_, err := decode(raw, d, resolver{}, false)
				var invalid *Invalid
				if err != nil && (!errors.As(err, &invalid) || invalid.Text == "") {
					t.Errorf("%s into %s: %v", raw, d.FullName(), err)
				}
			}
		}
	})
}

func TestUnknownFieldsAreIgnoredOnRequest(t *testing.T) {
	d := (&hipstershop.AddItemRequest{}).ProtoReflect().Descriptor()
	for raw, good := range map[string]bool{
		`{"userId":"u","nope":{"a":[1]},"item":{"productId":"P","nope":null}}`: true,
		`{"userId":1,"nope":1}`: false, // a field that is there keeps its type
	} {
		wire, err := decode(json.RawMessage(raw), d, resolver{}, true)
		if (err == nil) != good {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		if !good {
			continue
		}
		got, want := &hipstershop.AddItemRequest{}, &hipstershop.AddItemRequest{UserId: "u", Item: &hipstershop.CartItem{ProductId: "P"}}
		if err := proto.Unmarshal(wire, got); err != nil || !proto.Equal(got, want) {
			t.Errorf("%s was read as %v (%v), want %v", raw, got, err, want)
		}
	}
	if _, err := decode(json.RawMessage(`{"nope":1}`), d, resolver{}, false); err == nil {
		t.Error("an unknown field was accepted without being asked for")
	}
}
