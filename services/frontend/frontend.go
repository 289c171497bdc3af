// Package frontend is the storefront: a web shop that needs no JavaScript.
//
// A page takes three steps: it calls services, concurrently where one call does not need the response of another, and
// each with a deadline; it puts the responses into a plain struct; a view function writes that as HTML. What
// decorates a page (ads, recommendations, the number on the cart) is left out when its service fails. If a service
// fails that the page needs, an error page names it and the trace.
//
// Under /api/v1 the catalog and the payment service are available as REST: their contract, transcoded (rest.go).
//
// The storefront has no state that matters: the visitor's session, currency and receipts are cookies, so that any
// replica can serve any request. It remembers only the last few hundred receipts, for browsers without cookies, and
// responses of the currency service for as long as these variables say:
//
//	PRICE_TTL        how long a converted price is reused (default 0: every page converts its prices)
//	CURRENCIES_TTL   how long the list of currencies is reused (default 0)
//
// With REQUEST_COALESCING=false, pages that miss such a response at the same time each fetch it; otherwise one does, for all.
package frontend

import (
	"context"

	"github.com/google/uuid"

	"github.com/shopctl/shopctl/pkg/chassis"
)

// sharedSession is the session of all visitors with ENABLE_SINGLE_SHARED_SESSION, as in the original.
const sharedSession = "12345678-1234-1234-1234-123456789123"

// Setup registers the service on rt.
func Setup(_ context.Context, rt *chassis.Runtime) error {
	shared, err := rt.EnvBool("ENABLE_SINGLE_SHARED_SESSION", false)
	if err != nil {
		return err
	}
	n, err := dial(rt)
	if err != nil {
		return err
	}
	assets, err := loadAssets()
	if err != nil {
		return err
	}
	transcoder, err := rest(n.catalog, n.payment)
	if err != nil {
		return err
	}
	s := &server{
		n:       n,
		rest:    transcoder,
		assets:  assets,
		log:     rt.Log(),
		now:     rt.Now,
		newID:   uuid.NewString,
		version: rt.Version(),
		pod:     rt.Env("POD_NAME", rt.Workload()),
		orders:  newReceipts(),
	}
	if shared {
		s.session = sharedSession
	}
	rt.ServeHTTP(s.handler())
	return nil
}
