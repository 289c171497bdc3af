// Package payment is the paymentservice: it checks cards and pretends to charge them.
//
// It keeps its latest charges in memory, for two reasons: a Charge that is repeated with the same
// idempotency-key in its metadata returns the first transaction instead of charging twice, and a charge can be
// refunded when its order fails. Of a card it keeps, logs and returns no more than the last four digits.
package payment

import (
	"context"
	_ "embed" // the manifest

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// Manifest holds the service's Kubernetes objects.
//
//go:embed manifest.yaml
var Manifest []byte

// Setup registers the service on rt.
func Setup(_ context.Context, rt *chassis.Runtime) error {
	srv, err := newServer(newLedger(ledgerLimit), rt.Now, rt.Log(), rt.Metrics())
	if err != nil {
		return err
	}
	hipstershop.RegisterPaymentServiceServer(rt.Server(), srv)
	shopv1.RegisterRefundsServer(rt.Server(), refunds{ledger: srv.ledger, log: rt.Log()})
	return nil
}
