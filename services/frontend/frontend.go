// Package frontend is the storefront: a web shop that needs no JavaScript.
//
// A page is three things in a row: it asks the neighbours, at the same time where one answer does not
// need another and each with a deadline of its own; it puts the answers into a plain struct; and a
// view function writes that as HTML. What decorates a page (advertisement, recommendations, the number
// on the cart) is left out when its service fails; what a page is about makes an error page that names
// the service and the trace.
//
// Under /api/v1 the catalog and the payment service answer REST: their contract, transcoded (rest.go).
//
// The storefront keeps nothing that matters: the visitor's session, currency and receipts are cookies,
// so that any replica can answer any request. What it remembers are answers for a second and, for
// browsers without cookies, the last few hundred receipts.
package frontend

import (
	"context"
	_ "embed" // the manifest

	"github.com/google/uuid"

	"github.com/shopctl/shopctl/pkg/chassis"
)

// Manifest holds the service's Kubernetes objects.
//
//go:embed manifest.yaml
var Manifest []byte

// sharedSession is everybody's session with ENABLE_SINGLE_SHARED_SESSION, as in the original.
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
