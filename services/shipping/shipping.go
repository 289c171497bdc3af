// Package shipping is the shippingservice: it quotes what a parcel costs, hands out tracking ids, and tells where a
// parcel is. No parcel exists, so its way is made up: PARCEL_PACE after one state (default 3s) it reaches the next.
// While FREE_SHIPPING is true, quotes are for nothing.
package shipping

import (
	"context"
	_ "embed" // the manifest
	"math/rand/v2"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// Manifest holds the service's Kubernetes objects.
//
//go:embed manifest.yaml
var Manifest []byte

// Setup registers the service on rt.
func Setup(ctx context.Context, rt *chassis.Runtime) error {
	pace, err := rt.EnvDuration("PARCEL_PACE", defaultPace)
	if err != nil {
		return err
	}
	if err := checkPace(pace); err != nil {
		return err
	}
	free, err := rt.EnvBool("FREE_SHIPPING", false)
	if err != nil {
		return err
	}
	srv, err := newServer(&issuer{now: rt.Now, random: rand.IntN}, free, rt.Log(), rt.Metrics())
	if err != nil {
		return err
	}
	hipstershop.RegisterShippingServiceServer(rt.Server(), srv)
	shopv1.RegisterTrackingServer(rt.Server(), &tracking{now: rt.Now, pace: pace, leaving: ctx.Done(), log: rt.Log()})
	return nil
}
