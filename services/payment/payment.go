// Package payment is the paymentservice: it checks cards and pretends to charge them.
//
// It keeps its latest charges in a ledger, for two reasons: a Charge that is repeated with the same
// idempotency-key in its metadata returns the first transaction instead of charging twice, and a charge can be
// refunded when its order fails. The ledger is a database in DATA_DIR, which outlives the process and which all replicas
// share; without such a directory it is in memory. Of a card it keeps, logs and returns no more than the last four
// digits.
package payment

import (
	"context"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// Setup registers the service on rt.
func Setup(_ context.Context, rt *chassis.Runtime) error {
	l, err := openLedger(rt.DataDir(), ledgerLimit, rt.Now, rt.Log())
	if err != nil {
		return err
	}
	rt.Ready("ledger", l.check)
	rt.OnDrain(l.close)
	srv, err := newServer(l, rt.Now, rt.Log(), rt.Metrics())
	if err != nil {
		return err
	}
	hipstershop.RegisterPaymentServiceServer(rt.Server(), srv)
	shopv1.RegisterRefundsServer(rt.Server(), refunds{ledger: srv.ledger, log: rt.Log()})
	return nil
}
