package call_test

import (
	"slices"
	"testing"

	"github.com/shopctl/shopctl/pkg/call"
)

func TestAMessageIsCompletedByItsFields(t *testing.T) {
	cart := cartTarget("") // its contract needs no server
	product := call.Target{Name: "payment", GRPC: []string{"hipstershop.PaymentService"}}
	for _, test := range []struct {
		target        call.Target
		method, typed string
		want          []string
	}{
		{cart, "GetCart", "", []string{`{"userId":""}`}},
		{cart, "AddItem", "{", []string{`{"userId": `, `{"item": `}},
		{cart, "AddItem", `{"it`, []string{`{"item": `}},
		{cart, "AddItem", `{"user_`, []string{`{"user_id": `}},
		{cart, "AddItem", `{"userId": "a\"{b", `, []string{`{"userId": "a\"{b", "item": `}},
		{cart, "AddItem", `{"user_id": "u", "item": {"quantity": 1, `, []string{`{"user_id": "u", "item": {"quantity": 1, "productId": `}},
		{cart, "AddItem", `{"item": {"quantity": 1}, "`, []string{`{"item": {"quantity": 1}, "userId": `}},
		{cart, "AddItem", `{"userId": "`, nil},
		{cart, "AddItem", `{"none": {`, nil},
		{cart, "AddItem", `{"userId": "u"}`, nil},
		{cart, "AddItem", `}}`, nil},
		{product, "Charge", `{"creditCard": {"creditCardC`, []string{`{"creditCard": {"creditCardCvv": `}},
	} {
		found, err := newCaller(t).CompleteMessage(t.Context(), test.target, test.method, test.typed)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range found {
			got = append(got, c.Text)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s %s: %q, want %q", test.method, test.typed, got, test.want)
		}
	}
}

func TestEnumsBoolsAndElementsOfAMessageAreCompleted(t *testing.T) {
	target, c := streamsTarget(t), newCaller(t)
	for typed, want := range map[string][]string{
		`{"fillUsername": t`:            {`{"fillUsername": true`},
		`{"responseStatus": {"co`:       {`{"responseStatus": {"code": `},
		`{"payload": {"type": "C`:       {`{"payload": {"type": "COMPRESSABLE"`},
		`{"fillUsername": true, "fillO`: {`{"fillUsername": true, "fillOauthScope": `},
	} {
		found, err := c.CompleteMessage(t.Context(), target, "UnaryCall", typed)
		if err != nil || len(found) == 0 {
			t.Errorf("%s: %v, %v", typed, found, err)
			continue
		}
		if found[0].Text != want[0] {
			t.Errorf("%s: %v, want %q", typed, found, want)
		}
	}
	found, err := c.CompleteMessage(t.Context(), target, "StreamingOutputCall", `{"responseParameters": [{"size": 1}, {"`)
	if err != nil || len(found) < 2 || found[0].Text != `{"responseParameters": [{"size": 1}, {"size": ` {
		t.Errorf("an element: %v, %v", found, err)
	}
}
