// Package cart is the cartservice: what each user is about to buy, kept in Redis.
//
// REDIS_ADDR is the address of the store, any Redis, and REDIS_PASSWORD its password; in the shop it is the workload
// redis-cart, without a password unless the Secret cart-store holds one. While the store is unavailable, calls fail
// with UNAVAILABLE, and the service is NOT_SERVING. PRODUCT_CATALOG_SERVICE_ADDR is the address of the catalog that
// lists what can be bought; while it is unavailable, any product is accepted: a cart does not fail because another
// service does.
package cart

import (
	"context"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

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
	var c catalog
	if rt.Getenv("PRODUCT_CATALOG_SERVICE_ADDR") != "" {
		conn, err := rt.Dial("PRODUCT_CATALOG_SERVICE_ADDR")
		if err != nil {
			return err
		}
		c = newCatalogClient(hipstershop.NewProductCatalogServiceClient(conn), rt.Log(), rt.Now)
	}
	srv, err := newServer(st, c, rt.Metrics())
	if err != nil {
		return err
	}
	hipstershop.RegisterCartServiceServer(rt.Server(), srv)
	shopv1.RegisterCartsServer(rt.Server(), lines{server: srv})
	rt.Ready("cart store", st.ping)
	rt.OnDrain(func(context.Context) error { return st.close() })
	return nil
}
