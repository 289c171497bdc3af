package checkout_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestARefundNamesTheChargeThatItTakesBack(t *testing.T) {
	s := open(t)
	s.breakIt("ShipOrder", status.Error(codes.Unavailable, "no lorry"))
	if _, err := s.client.PlaceOrder(t.Context(), order()); err == nil {
		t.Fatal("an order that was not shipped succeeded")
	}
	if len(s.back) != 1 || s.back[0].GetTransactionId() != "transaction-1" || !strings.Contains(s.back[0].GetReason(), "could not be shipped") {
		t.Errorf("refunds: %v", s.back)
	}
}

func TestARefundThatFailsIsReported(t *testing.T) {
	s := open(t)
	s.breakIt("ShipOrder", status.Error(codes.Internal, "lorry on fire"))
	s.breakIt("Refund", status.Error(codes.Internal, "till jammed"))
	_, err := s.client.PlaceOrder(t.Context(), order())
	if err == nil || !strings.HasSuffix(err.Error(), "lorry on fire; the charge transaction-1 could not be refunded: till jammed") {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(s.service.Logs(), "charge not refunded") {
		t.Error("nothing about it in the log")
	}
}

func TestARefundIsTriedAgainWhilePaymentIsAway(t *testing.T) {
	s := open(t)
	s.breakIt("ShipOrder", status.Error(codes.Internal, "lorry on fire"))
	s.fault["Refund"] = func(_ context.Context, nth int) error {
		if nth < 3 {
			return status.Error(codes.Unavailable, "restarting")
		}
		return nil
	}
	if _, err := s.client.PlaceOrder(t.Context(), order()); err == nil || !strings.HasSuffix(err.Error(), "the charge was refunded") {
		t.Errorf("got %v", err)
	}
}

func TestAChargeIsNeverRepeatedBlindly(t *testing.T) {
	s := open(t)
	s.breakIt("Charge", status.Error(codes.Unavailable, "away"))
	_, _ = s.client.PlaceOrder(t.Context(), order())
	s.breakIt("Charge", nil)
	s.breakIt("ShipOrder", status.Error(codes.Unavailable, "away"))
	_, _ = s.client.PlaceOrder(t.Context(), order())
	s.wantCalls(t, "Charge 2 ShipOrder 1")
}
