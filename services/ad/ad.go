// Package ad is the adservice: it returns ads for the categories of products that a page shows.
package ad

import (
	"context"
	_ "embed" // the manifest
	"math/rand/v2"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// Manifest holds the service's Kubernetes objects.
//
//go:embed manifest.yaml
var Manifest []byte

// Setup registers the service on rt.
func Setup(_ context.Context, rt *chassis.Runtime) error {
	hipstershop.RegisterAdServiceServer(rt.Server(), newServer(campaigns(), rand.IntN))
	return nil
}
