// Package ad is the adservice: it returns ads for the categories of products that a page shows.
package ad

import (
	"context"
	"math/rand/v2"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// Setup registers the service on rt.
func Setup(_ context.Context, rt *chassis.Runtime) error {
	hipstershop.RegisterAdServiceServer(rt.Server(), newServer(campaigns(), rand.IntN))
	return nil
}
