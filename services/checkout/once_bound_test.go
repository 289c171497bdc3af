package checkout

import (
	"testing"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

func TestTheOldestKeysAreForgotten(t *testing.T) {
	o := newOnce(2)
	placed := 0
	place := func(key string) {
		t.Helper()
		if _, err := o.do(t.Context(), key, &hipstershop.PlaceOrderRequest{}, func() (*hipstershop.PlaceOrderResponse, error) {
			placed++
			return &hipstershop.PlaceOrderResponse{}, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"a", "b", "c", "c", "b"} {
		place(key)
	}
	if placed != 3 {
		t.Errorf("%d orders for three keys", placed)
	}
	place("a")
	if placed != 4 || len(o.orders) != 2 {
		t.Errorf("%d orders placed, %d remembered: want the oldest of three keys forgotten", placed, len(o.orders))
	}
}

func TestAPanicEndsItsAttempt(t *testing.T) {
	o := newOnce(2)
	func() {
		defer func() { _ = recover() }()
		_, _ = o.do(t.Context(), "k", &hipstershop.PlaceOrderRequest{}, func() (*hipstershop.PlaceOrderResponse, error) { panic("broken") })
	}()
	resp, err := o.do(t.Context(), "k", &hipstershop.PlaceOrderRequest{}, func() (*hipstershop.PlaceOrderResponse, error) {
		return &hipstershop.PlaceOrderResponse{}, nil
	})
	if resp == nil || err != nil {
		t.Errorf("after a panic the key gives %v, %v", resp, err)
	}
}
