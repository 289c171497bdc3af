// Package ad is the adservice: it answers what a page is about with what it could sell.
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
