// Package currency is the currencyservice: it converts amounts between 33 currencies.
//
// The rates are decimal fractions, and so is the arithmetic: an amount is a whole number of nanos, a
// rate a whole number of hundred-thousandths, and every step is done on integers of 128 bits. The
// original calculates in binary floating point; for usual amounts the two differ by at most one nano, and where the
// original is wrong (conversion of a currency to itself, negative and very large amounts, unknown currencies) this one
// is right.
package currency

import (
	"context"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// Setup registers the service on rt.
func Setup(_ context.Context, rt *chassis.Runtime) error {
	hipstershop.RegisterCurrencyServiceServer(rt.Server(), newServer())
	return nil
}
