package cart

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

const (
	// askTimeout is all that an AddItem waits for the catalogue.
	askTimeout = 250 * time.Millisecond
	// askPause is how long a catalogue that did not answer is left alone.
	askPause = time.Second
	// knownFor is how long a product that existed counts as existing, maxKnown how many are remembered.
	knownFor = time.Minute
	maxKnown = 4096
)

// productGetter is the part of the catalogue that a cart needs.
type productGetter interface {
	GetProduct(ctx context.Context, in *hipstershop.GetProductRequest, opts ...grpc.CallOption) (*hipstershop.Product, error)
}

// cachedCatalogue asks the catalogue service and remembers what exists. What does not exist is asked
// for again each time, since it may be new.
type cachedCatalogue struct {
	products productGetter
	log      *slog.Logger
	now      func() time.Time

	mu     sync.Mutex
	known  map[string]time.Time // product id -> until when
	quiet  time.Time            // do not ask before
	silent bool                 // whether that it cannot be asked has been logged
}

func newCachedCatalogue(products productGetter, log *slog.Logger, now func() time.Time) *cachedCatalogue {
	return &cachedCatalogue{products: products, log: log, now: now, known: map[string]time.Time{}}
}

func (c *cachedCatalogue) check(ctx context.Context, productID string) error {
	if !c.mustAsk(productID) {
		return nil
	}
	askCtx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	_, err := c.products.GetProduct(askCtx, &hipstershop.GetProductRequest{Id: productID})
	switch {
	case err == nil:
		c.remember(productID)
		return nil
	case status.Code(err) == codes.NotFound:
		return status.Errorf(codes.NotFound, "no product with ID %s", productID)
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	}
	c.leaveAlone(ctx, err)
	return nil
}

// mustAsk tells whether only the catalogue can tell, and is likely to.
func (c *cachedCatalogue) mustAsk(productID string) bool {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	return !now.Before(c.known[productID]) && !now.Before(c.quiet)
}

func (c *cachedCatalogue) remember(productID string) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxKnown {
		clear(c.known) // simpler than to choose, and it costs one question a product
	}
	c.known[productID] = now.Add(knownFor)
	c.silent = false
}

func (c *cachedCatalogue) leaveAlone(ctx context.Context, err error) {
	c.mu.Lock()
	c.quiet = c.now().Add(askPause)
	first := !c.silent
	c.silent = true
	c.mu.Unlock()
	if first {
		c.log.WarnContext(ctx, "the catalogue cannot be asked; products are taken unseen", "error", err)
	}
}
