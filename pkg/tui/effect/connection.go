package effect

import (
	"context"
	"errors"
	"sync"

	"google.golang.org/grpc"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/tui/feed"
)

// Shop is a connection to the daemon; *control.Client is one.
type Shop interface {
	feed.Shop
	Control
}

// Control changes the shop.
type Control interface {
	Edit(ctx context.Context, r *controlpb.EditRequest, opts ...grpc.CallOption) (*controlpb.EditResponse, error)
	InjectFault(ctx context.Context, r *controlpb.InjectFaultRequest, opts ...grpc.CallOption) (*controlpb.InjectFaultResponse, error)
	ClearFaults(ctx context.Context, r *controlpb.ClearFaultsRequest, opts ...grpc.CallOption) (*controlpb.ClearFaultsResponse, error)
}

// errNoShop is the error of keys that need the shop while there is no connection.
var errNoShop = errors.New("the shop is not running: start it with shopctl up")

// connection is the part of the feed's connection that keys use. The feed dials and closes it.
type connection struct {
	mu   sync.Mutex
	shop Control // nil while there is no connection
}

// track returns a dialer for the feed that keeps the connection here for as long as it is open.
func (c *connection) track(dial func(context.Context) (Shop, error)) func(context.Context) (feed.Shop, error) {
	return func(ctx context.Context) (feed.Shop, error) {
		shop, err := dial(ctx)
		if err != nil {
			return nil, err
		}
		c.set(shop)
		return tracked{Shop: shop, connection: c}, nil
	}
}

func (c *connection) set(shop Control) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shop = shop
}

// control returns the connection; the error is errNoShop if there is none.
func (c *connection) control() (Control, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shop == nil {
		return nil, errNoShop
	}
	return c.shop, nil
}

// tracked is a connection that keys can use until the feed closes it.
type tracked struct {
	feed.Shop
	connection *connection
}

// Close ends the connection.
func (t tracked) Close() error {
	t.connection.set(nil)
	return t.Shop.Close()
}
