// Package shipping is the shippingservice: it quotes the cost of a parcel, issues tracking ids, and reports where
// a parcel is. No parcel exists, so its history is made up: it reaches the next state every PARCEL_PACE (default 3s).
// While FREE_SHIPPING is true, quotes are zero.
//
// An idempotency-key in the metadata of ShipOrder gets one parcel, unless CancelShipment has barred it. The keys are in a database in DATA_DIR, which outlives
// the process and which all replicas share, or in memory without such a directory.
package shipping

import (
	"context"
	"math/rand/v2"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

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
	sent, err := openParcels(rt.DataDir(), rt.Now, rt.Log())
	if err != nil {
		return err
	}
	rt.Ready("parcels", sent.check)
	rt.OnDrain(sent.close)
	srv, err := newServer(&issuer{now: rt.Now, random: rand.IntN}, sent, free, rt.Log(), rt.Metrics())
	if err != nil {
		return err
	}
	hipstershop.RegisterShippingServiceServer(rt.Server(), srv)
	shopv1.RegisterShipmentsServer(rt.Server(), shipments{parcels: sent, log: rt.Log()})
	shopv1.RegisterTrackingServer(rt.Server(), &tracking{now: rt.Now, pace: pace, draining: ctx.Done(), log: rt.Log()})
	return nil
}
