package shipping

import (
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/chassis/durable"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

func cancel(t *testing.T, s *server, key string) string {
	t.Helper()
	out, err := (shipments{parcels: s.parcels, log: slog.New(slog.DiscardHandler)}).CancelShipment(t.Context(), &shopv1.CancelShipmentRequest{IdempotencyKey: key})
	if err != nil {
		t.Fatal(err)
	}
	return out.GetTrackingId()
}

func TestACanceledKeyShipsNothingWhetherOrNotItHasShipped(t *testing.T) {
	dir := t.TempDir()
	one, other := replica(t, dir, rand.IntN), replica(t, dir, rand.IntN)
	in := &hipstershop.ShipOrderRequest{Address: headquarters(), Items: items(2)}
	id, err := ship(t, one, "shipped", in)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // it is idempotent
		if got := cancel(t, other, "shipped"); got != id {
			t.Errorf("canceled %q, want %s", got, id)
		}
		if got := cancel(t, other, "never"); got != "" {
			t.Errorf("canceled %q of a key that has shipped nothing", got)
		}
	}
	for _, key := range []string{"shipped", "never"} {
		if _, err := ship(t, one, key, in); status.Code(err) != codes.FailedPrecondition {
			t.Errorf("%s: shipped after it was canceled: %v", key, err)
		}
	}
	if _, err := (shipments{parcels: one.parcels}).CancelShipment(t.Context(), &shopv1.CancelShipmentRequest{}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("without a key: %v", err)
	}
}

func TestParcelsOfTheFirstVersionAreKept(t *testing.T) {
	dir := t.TempDir()
	conn, err := durable.Connect(filepath.Join(dir, "parcels.db"), false)
	if err != nil {
		t.Fatal(err)
	}
	in := &hipstershop.ShipOrderRequest{Address: headquarters(), Items: items(2)}
	request, err := fingerprintOf(in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec("CREATE TABLE parcel (seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, request BLOB NOT NULL, tracking_id TEXT NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec("INSERT INTO parcel (key, request, tracking_id) VALUES ('k', ?, 'AB-1')", request); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec("PRAGMA user_version = 1"); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	s := replica(t, dir, rand.IntN)
	if id, err := ship(t, s, "k", in); err != nil || id != "AB-1" {
		t.Errorf("the key has the parcel %q, %v", id, err)
	}
	if id := cancel(t, s, "k"); id != "AB-1" {
		t.Errorf("canceled %q", id)
	}
}

func TestEveryParcelIsListedAlsoOneWithoutAKey(t *testing.T) {
	dir := t.TempDir()
	one, other := replica(t, dir, rand.IntN), replica(t, dir, rand.IntN)
	in := &hipstershop.ShipOrderRequest{Address: headquarters(), Items: items(2)}
	digest, err := fingerprintOf(in)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, key := range []string{"k", "k", "", ""} {
		id, err := ship(t, one, key, in)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	cancel(t, one, "k")
	cancel(t, one, "never shipped")
	list := func(after string) []*shopv1.Parcel {
		out, err := (shipments{parcels: other.parcels}).ListParcels(t.Context(), &shopv1.ListParcelsRequest{After: after})
		if err != nil || out.GetMore() {
			t.Fatalf("after %q: %v, %v", after, out, err)
		}
		return out.GetParcels()
	}
	all := list("")
	if len(all) != 3 || len(list(ids[0])) != 2 || len(list(ids[3])) != 0 {
		t.Fatalf("listed %v", all)
	}
	for i, want := range []*shopv1.Parcel{
		{TrackingId: ids[0], IdempotencyKey: "k", Canceled: true, RequestDigest: digest}, {TrackingId: ids[2], RequestDigest: digest}, {TrackingId: ids[3], RequestDigest: digest},
	} {
		if !proto.Equal(all[i], want) {
			t.Errorf("parcel %d is %v, want %v", i, all[i], want)
		}
	}
	if _, err := (shipments{parcels: one.parcels}).ListParcels(t.Context(), &shopv1.ListParcelsRequest{After: "UT-1"}); status.Code(err) != codes.NotFound {
		t.Errorf("after a parcel that was never sent: %v", err)
	}
}
