package shoperr_test

import (
	"errors"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/rpc/shoperr"
)

func TestAnErrorCarriesItsReasonBesideItsMessage(t *testing.T) {
	err := shoperr.New(codes.Unavailable, "shipping error", shoperr.Checkout, shoperr.ShippingUnavailable, map[string]string{shoperr.Step: shoperr.StepShip})
	if status.Code(err) != codes.Unavailable || status.Convert(err).Message() != "shipping error" {
		t.Errorf("got %v", err)
	}
	reason, metadata, found := shoperr.Find(err, shoperr.Checkout)
	if !found || reason != shoperr.ShippingUnavailable || metadata[shoperr.Step] != shoperr.StepShip {
		t.Errorf("got %q %v %v", reason, metadata, found)
	}
}

func TestTheReasonOfAnotherDomainIsNotFound(t *testing.T) {
	err := shoperr.New(codes.InvalidArgument, "no", shoperr.Payment, shoperr.CardDeclined, nil)
	if reason, _, found := shoperr.Find(err, shoperr.Checkout); found {
		t.Errorf("found %q", reason)
	}
	for _, plain := range []error{nil, errors.New("plain"), status.Error(codes.Internal, "without details")} {
		if _, _, found := shoperr.Find(plain, shoperr.Checkout); found {
			t.Errorf("found a reason in %v", plain)
		}
	}
}
