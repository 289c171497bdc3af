// Package shipping is the shippingservice: it quotes what a parcel costs and hands out tracking ids.
package shipping

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
	srv, err := newServer(rand.IntN, rt.Log(), rt.Metrics())
	if err != nil {
		return err
	}
	hipstershop.RegisterShippingServiceServer(rt.Server(), srv)
	return nil
}
