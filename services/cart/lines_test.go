package cart_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
	"github.com/shopctl/shopctl/services/cart/rediscart/rediscarttest"
)

func setItem(ctx context.Context, c shopv1.CartsClient, user, product string, quantity int32) error {
	_, err := c.SetItem(ctx, &shopv1.SetItemRequest{UserId: user, ProductId: product, Quantity: quantity})
	return err
}

func TestALineIsSetAndRemovedAndKeepsItsPlace(t *testing.T) {
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		redis := rediscarttest.Start(t, engine, t.TempDir())
		c, s := start(t, redis.Addr, nil)
		carts := shopv1.NewCartsClient(s.Conn())
		for _, product := range []string{"MUG", "WATCH", "CANDLE"} {
			mustAdd(t, c, "u", product, 2)
		}
		for range 2 { // it is idempotent
			for product, quantity := range map[string]int32{"WATCH": 1000, "CANDLE": 0, "ABACUS": 1, "NEVER": 0} {
				if err := setItem(t.Context(), carts, "u", product, quantity); err != nil {
					t.Fatalf("set %s to %d: %v", product, quantity, err)
				}
			}
			wantCart(t, c, "u", "MUG 2", "WATCH 1000", "ABACUS 1")
		}
		// What is removed leaves nothing, and comes back at the end.
		if got := rediscarttest.Connect(t, redis.Addr).Do("HEXISTS", "cart:u", "since:CANDLE"); got != "(integer) 0" {
			t.Errorf("the removed line left its time: %s", got)
		}
		mustAdd(t, c, "u", "CANDLE", 1)
		wantCart(t, c, "u", "MUG 2", "WATCH 1000", "ABACUS 1", "CANDLE 1")
		for product, quantity := range map[string]int32{"MUG": 0, "WATCH": 0, "ABACUS": 0, "CANDLE": 0} {
			if err := setItem(t.Context(), carts, "u", product, quantity); err != nil {
				t.Fatal(err)
			}
		}
		wantCart(t, c, "u")
	})
}

func TestLinesThatAreSetAtTheSameTimeDoNotDisturbEachOther(t *testing.T) {
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		c, s := start(t, rediscarttest.Start(t, engine, "").Addr, nil)
		carts := shopv1.NewCartsClient(s.Conn())
		mustAdd(t, c, "u", "MUG", 1)
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				if err := setItem(t.Context(), carts, "u", "WATCH", int32(i%2)); err != nil {
					t.Error(err)
				}
			})
			wg.Go(func() {
				if err := add(t, c, "u", "MUG", 1); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if err := setItem(t.Context(), carts, "u", "WATCH", 0); err != nil {
			t.Fatal(err)
		}
		wantCart(t, c, "u", "MUG 21")
	})
}

func TestALineThatCannotBeSetIsExplained(t *testing.T) {
	g := &catalogService{answer: func(_ context.Context, id string) error {
		if id != "MUG" {
			return status.Errorf(codes.NotFound, "no product with ID %s", id)
		}
		return nil
	}}
	c, s := start(t, rediscarttest.Start(t, "embedded", "").Addr, g)
	carts := shopv1.NewCartsClient(s.Conn())
	mustAdd(t, c, "u", "MUG", 3)
	for _, tt := range []struct {
		user, product string
		quantity      int32
		code          codes.Code
		says          string
	}{
		{"", "MUG", 1, codes.InvalidArgument, "user_id is empty"},
		{"u", "", 1, codes.InvalidArgument, "product_id is empty"},
		{"u", "since:MUG", 0, codes.InvalidArgument, "product_id \"since:MUG\" is not valid"},
		{"u", "MUG", -1, codes.InvalidArgument, "quantity is -1, want 0 to 1000"},
		{"u", "MUG", 1001, codes.InvalidArgument, "quantity is 1001, want 0 to 1000"},
		{"u", "NONE", 1, codes.NotFound, "no product with ID NONE"},
		{"u", "NONE", 0, codes.OK, ""}, // a product that is gone can be removed
	} {
		err := setItem(t.Context(), carts, tt.user, tt.product, tt.quantity)
		if status.Code(err) != tt.code || tt.says != "" && !strings.HasPrefix(status.Convert(err).Message(), tt.says) {
			t.Errorf("set %q of %q to %d: %v, want %s %s", tt.product, tt.user, tt.quantity, err, tt.code, tt.says)
		}
	}
	wantCart(t, c, "u", "MUG 3")
}
