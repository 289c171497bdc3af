// Package cart is the cartservice: what each user is about to buy, kept in Redis.
//
// REDIS_ADDR names the store, any Redis, and REDIS_PASSWORD what it wants to hear; in the shop it is the workload
// redis-cart, without a password unless the Secret cart-store holds one. While the store
// cannot be reached, calls fail with UNAVAILABLE and health says NOT_SERVING. PRODUCT_CATALOG_SERVICE_ADDR
// names the catalogue that knows what can be bought; while it cannot be asked, any product is taken: a
// cart does not fail because a neighbour does.
package cart

import (
	"context"
	_ "embed" // the manifest

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// Manifest holds the service's Kubernetes objects, and those of redis-cart.
//
//go:embed manifest.yaml
var Manifest []byte

// Setup registers the service on rt.
func Setup(_ context.Context, rt *chassis.Runtime) error {
	dial, err := rt.DialTCP("REDIS_ADDR")
	if err != nil {
		return err
	}
	st, err := newStore(rt.Getenv("REDIS_ADDR"), rt.Getenv("REDIS_PASSWORD"), dial, rt.TracerProvider(), rt.Now)
	if err != nil {
		return err
	}
	var goods catalogue
	if rt.Getenv("PRODUCT_CATALOG_SERVICE_ADDR") != "" {
		conn, err := rt.Dial("PRODUCT_CATALOG_SERVICE_ADDR")
		if err != nil {
			return err
		}
		goods = newCachedCatalogue(hipstershop.NewProductCatalogServiceClient(conn), rt.Log(), rt.Now)
	}
	srv, err := newServer(st, goods, rt.Metrics())
	if err != nil {
		return err
	}
	hipstershop.RegisterCartServiceServer(rt.Server(), srv)
	rt.Ready("cart store", st.ping)
	rt.OnDrain(func(context.Context) error { return st.close() })
	return nil
}
