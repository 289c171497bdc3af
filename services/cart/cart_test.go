package cart_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/services/cart"
	"github.com/shopctl/shopctl/services/cart/rediscart/rediscarttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// catalogService is a catalog service that counts the calls.
type catalogService struct {
	hipstershop.UnimplementedProductCatalogServiceServer
	answer func(ctx context.Context, id string) error
	mu     sync.Mutex
	asked  []string
}

func (g *catalogService) GetProduct(ctx context.Context, req *hipstershop.GetProductRequest) (*hipstershop.Product, error) {
	g.mu.Lock()
	g.asked = append(g.asked, req.GetId())
	g.mu.Unlock()
	if err := g.answer(ctx, req.GetId()); err != nil {
		return nil, err
	}
	return &hipstershop.Product{Id: req.GetId()}, nil
}

func (g *catalogService) calls() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.asked)
}

// start runs a cart over the store at addr; with g, beside a catalog.
func start(t *testing.T, addr string, g *catalogService, options ...chassistest.Option) (hipstershop.CartServiceClient, *chassistest.Service) {
	t.Helper()
	env := map[string]string{"REDIS_ADDR": addr}
	if g != nil {
		env["PRODUCT_CATALOG_SERVICE_ADDR"] = chassistest.Start(t, func(_ context.Context, rt *chassis.Runtime) error {
			hipstershop.RegisterProductCatalogServiceServer(rt.Server(), g)
			return nil
		}, nil).Addr
	}
	s := chassistest.Start(t, cart.Setup, env, append(options, chassistest.WithName("cartservice"))...)
	return hipstershop.NewCartServiceClient(s.Conn()), s
}

func add(t *testing.T, c hipstershop.CartServiceClient, user, product string, quantity int32) error {
	t.Helper()
	_, err := c.AddItem(t.Context(), &hipstershop.AddItemRequest{
		UserId: user, Item: &hipstershop.CartItem{ProductId: product, Quantity: quantity},
	})
	return err
}

func mustAdd(t *testing.T, c hipstershop.CartServiceClient, user, product string, quantity int32) {
	t.Helper()
	if err := add(t, c, user, product, quantity); err != nil {
		t.Fatal(err)
	}
}

// wantCart checks a cart: "MUG 2", in order.
func wantCart(t *testing.T, c hipstershop.CartServiceClient, user string, lines ...string) {
	t.Helper()
	got, err := c.GetCart(t.Context(), &hipstershop.GetCartRequest{UserId: user})
	if err != nil {
		t.Fatal(err)
	}
	want := &hipstershop.Cart{UserId: user}
	for _, l := range lines {
		item := &hipstershop.CartItem{}
		if _, err := fmt.Sscan(l, &item.ProductId, &item.Quantity); err != nil {
			t.Fatal(err)
		}
		want.Items = append(want.Items, item)
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("cart of %s (-want +got):\n%s", user, diff)
	}
}

func TestACartKeepsTheOrderInWhichThingsCame(t *testing.T) {
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		c, _ := start(t, rediscarttest.Start(t, engine, t.TempDir()).Addr, nil)
		wantCart(t, c, "u") // a user without a cart has an empty one, by name
		for i, product := range []string{"MUG", "WATCH", "CANDLE", "ABACUS", "MUG", "WATCH"} {
			mustAdd(t, c, "u", product, int32(i+1))
		}
		mustAdd(t, c, "other", "MUG", 7)
		wantCart(t, c, "u", "MUG 6", "WATCH 8", "CANDLE 3", "ABACUS 4")
		if _, err := c.EmptyCart(t.Context(), &hipstershop.EmptyCartRequest{UserId: "u"}); err != nil {
			t.Fatal(err)
		}
		wantCart(t, c, "u") // the original forgot the user's name here, for good
		mustAdd(t, c, "u", "WATCH", 1)
		mustAdd(t, c, "u", "MUG", 1)
		wantCart(t, c, "u", "WATCH 1", "MUG 1")
		wantCart(t, c, "other", "MUG 7")
	})
}

func TestABigCartKeepsItsOrder(t *testing.T) {
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		c, _ := start(t, rediscarttest.Start(t, engine, "").Addr, nil)
		var want []string
		for i := range 200 { // Redis keeps the order of small hashes only
			product := fmt.Sprintf("P%d", (i*7919)%200)
			mustAdd(t, c, "u", product, 1)
			want = append(want, product+" 1")
		}
		wantCart(t, c, "u", want...)
	})
}

func TestConcurrentAddsLoseNothing(t *testing.T) {
	const clients, each = 8, 25
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		c, _ := start(t, rediscarttest.Start(t, engine, "").Addr, nil)
		var wg sync.WaitGroup
		for range clients {
			wg.Go(func() {
				for range each {
					if err := add(t, c, "u", "MUG", 2); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		wantCart(t, c, "u", fmt.Sprintf("MUG %d", 2*clients*each))
	})
}

func TestALineNeverHoldsMoreThanAThousand(t *testing.T) {
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		c, _ := start(t, rediscarttest.Start(t, engine, "").Addr, nil)
		mustAdd(t, c, "u", "MUG", 990)
		err := add(t, c, "u", "MUG", 20)
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "already contains 990") {
			t.Errorf("990 + 20 gives %v", err)
		}
		wantCart(t, c, "u", "MUG 990")
		mustAdd(t, c, "u", "MUG", 10)
		// Refused at the same time, they must leave no trace either.
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				if err := add(t, c, "u", "MUG", int32(100*i+1)); status.Code(err) != codes.InvalidArgument {
					t.Errorf("1000 + %d gives %v", 100*i+1, err)
				}
			})
		}
		wg.Wait()
		wantCart(t, c, "u", "MUG 1000")
	})
}

func TestInvalidRequestsAreRefusedAndChangeNothing(t *testing.T) {
	c, _ := start(t, rediscarttest.Start(t, "embedded", "").Addr, nil)
	item := func(product string, quantity int32) *hipstershop.CartItem {
		return &hipstershop.CartItem{ProductId: product, Quantity: quantity}
	}
	for name, req := range map[string]*hipstershop.AddItemRequest{
		"no user":             {Item: item("MUG", 1)},
		"endless user":        {UserId: strings.Repeat("u", 257), Item: item("MUG", 1)},
		"no item":             {UserId: "u"},
		"no product":          {UserId: "u", Item: item("", 1)},
		"endless product":     {UserId: "u", Item: item(strings.Repeat("P", 65), 1)},
		"a field of our own":  {UserId: "u", Item: item("since:MUG", 1)},
		"a product that lies": {UserId: "u", Item: item("MUG\n", 1)},
		"nothing":             {UserId: "u", Item: item("MUG", 0)},
		"less than nothing":   {UserId: "u", Item: item("MUG", -1)},
		"too much":            {UserId: "u", Item: item("MUG", 1001)},
	} {
		if _, err := c.AddItem(t.Context(), req); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: got %v, want INVALID_ARGUMENT", name, err)
		}
	}
	if _, err := c.GetCart(t.Context(), &hipstershop.GetCartRequest{}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("GetCart without a user gives %v", err)
	}
	if _, err := c.EmptyCart(t.Context(), &hipstershop.EmptyCartRequest{}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("EmptyCart without a user gives %v", err)
	}
	wantCart(t, c, "u")
}

func TestCartsAreForgottenThirtyDaysAfterTheirLastChange(t *testing.T) {
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		redis := rediscarttest.Start(t, engine, "")
		c, _ := start(t, redis.Addr, nil)
		mustAdd(t, c, "u", "MUG", 1)
		raw := rediscarttest.Connect(t, redis.Addr)
		raw.Do("EXPIRE", "cart:u", "5")
		mustAdd(t, c, "u", "MUG", 1)
		if got := raw.Do("TTL", "cart:u"); got != "(integer) 2592000" && got != "(integer) 2591999" {
			t.Errorf("the cart expires in %s seconds, want thirty days", got)
		}
		if got := raw.Do("HGET", "cart:u", "MUG"); got != `"2"` {
			t.Errorf("the hash holds %s, want the quantity under the product's id", got)
		}
	})
}

func TestAnInvalidCartHasAnErrorOfItsOwn(t *testing.T) {
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		redis := rediscarttest.Start(t, engine, "")
		c, _ := start(t, redis.Addr, nil)
		raw := rediscarttest.Connect(t, redis.Addr)
		raw.Do("SET", "cart:string", "v")
		raw.Do("HSET", "cart:words", "MUG", "many")
		raw.Do("HSET", "cart:odd", "MUG", "5000", "WATCH", "-3")
		if err := add(t, c, "string", "MUG", 1); status.Code(err) != codes.Internal {
			t.Errorf("a string in a cart's place gives %v", err)
		}
		for _, user := range []string{"string", "words"} {
			if _, err := c.GetCart(t.Context(), &hipstershop.GetCartRequest{UserId: user}); status.Code(err) != codes.Internal {
				t.Errorf("cart %s gives %v", user, err)
			}
		}
		wantCart(t, c, "odd", "MUG 1000")
	})
}

func TestOnlyProductsOfTheCatalogAreAccepted(t *testing.T) {
	g := &catalogService{answer: func(_ context.Context, id string) error {
		if id != "MUG" {
			return status.Errorf(codes.NotFound, "no product with ID %s", id)
		}
		return nil
	}}
	c, _ := start(t, rediscarttest.Start(t, "embedded", "").Addr, g)
	for range 3 {
		if err := add(t, c, "u", "NONE", 1); status.Code(err) != codes.NotFound || status.Convert(err).Message() != "no product with ID NONE" {
			t.Errorf("an unknown product gives %v", err)
		}
		mustAdd(t, c, "u", "MUG", 1)
	}
	wantCart(t, c, "u", "MUG 3")
	if g.calls() != 4 {
		t.Errorf("the catalog was asked %v: want once for what exists, each time for what does not", g.asked)
	}
}

func TestAnUnavailableCatalogStopsNoCart(t *testing.T) {
	for name, answer := range map[string]func(context.Context, string) error{
		"failing": func(context.Context, string) error { return status.Error(codes.Unavailable, "down") },
		"hanging": func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			g := &catalogService{answer: answer}
			c, s := start(t, rediscarttest.Start(t, "embedded", "").Addr, g)
			for range 10 {
				mustAdd(t, c, "u", "ANYTHING", 1)
			}
			wantCart(t, c, "u", "ANYTHING 10")
			if n := strings.Count(s.Logs(), "accepting products without checking"); n != 1 {
				t.Errorf("that is logged %d times, want once", n)
			}
		})
	}
}

func TestACartNeedsAStore(t *testing.T) {
	err := chassis.Run(t.Context(), chassis.Options{
		Name: "cart", Workload: "cartservice", Getenv: func(string) string { return "" }, Stdout: discard{},
	}, cart.Setup)
	if err == nil || !strings.Contains(err.Error(), "REDIS_ADDR") {
		t.Errorf("without REDIS_ADDR it says %v", err)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
