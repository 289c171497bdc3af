package cart

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis/cache"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

const (
	// catalogTimeout is how long an AddItem waits for the catalog.
	catalogTimeout = 250 * time.Millisecond
	// catalogPause is how long a catalog that did not respond is not called again.
	catalogPause = time.Second
	// productTTL is how long a product that existed counts as existing, maxProducts how many are remembered.
	productTTL  = time.Minute
	maxProducts = 4096
)

// productGetter is the part of the catalog service that a cart needs.
type productGetter interface {
	GetProduct(ctx context.Context, in *hipstershop.GetProductRequest, opts ...grpc.CallOption) (*hipstershop.Product, error)
}

// catalogClient checks products with the catalog service and remembers which exist. A product that does not exist is
// looked up again each time, since it may be new.
type catalogClient struct {
	products productGetter
	known    *cache.Cache[string, struct{}]
	log      *slog.Logger
	now      func() time.Time

	mu     sync.Mutex
	resume time.Time // no calls before
	logged bool      // that the catalog is unavailable, since it last was available
}

func newCatalogClient(products productGetter, log *slog.Logger, now func() time.Time) *catalogClient {
	known := cache.New[string, struct{}](cache.Config{TTL: productTTL, FetchTimeout: catalogTimeout, Limit: maxProducts, Now: now})
	return &catalogClient{products: products, known: known, log: log, now: now}
}

// check implements catalog.
func (c *catalogClient) check(ctx context.Context, productID string) error {
	if _, ok := c.known.Peek(productID); ok || c.paused() {
		return nil
	}
	_, err := c.known.Get(ctx, productID, func(ctx context.Context) (struct{}, error) {
		_, err := c.products.GetProduct(ctx, &hipstershop.GetProductRequest{Id: productID})
		return struct{}{}, err
	})
	switch {
	case err == nil:
		c.available()
		return nil
	case status.Code(err) == codes.NotFound:
		return status.Errorf(codes.NotFound, "no product with ID %s", productID)
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	}
	c.unavailable(ctx, err)
	return nil
}

func (c *catalogClient) paused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now().Before(c.resume)
}

func (c *catalogClient) available() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.logged = false
}

func (c *catalogClient) unavailable(ctx context.Context, err error) {
	c.mu.Lock()
	c.resume = c.now().Add(catalogPause)
	first := !c.logged
	c.logged = true
	c.mu.Unlock()
	if first {
		c.log.WarnContext(ctx, "catalog unavailable; accepting products without checking", "error", err)
	}
}
