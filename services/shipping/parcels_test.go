package shipping

import (
	"math/rand/v2"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

func ship(t *testing.T, s *server, key string, in *hipstershop.ShipOrderRequest) (string, error) {
	t.Helper()
	ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs(chassis.IdempotencyKey, key))
	out, err := s.ShipOrder(ctx, in)
	return out.GetTrackingId(), err
}

func TestAKeyGetsOneParcelFromAllReplicas(t *testing.T) {
	dir := t.TempDir()
	servers := []*server{replica(t, dir, rand.IntN), replica(t, dir, rand.IntN), replica(t, dir, rand.IntN)}
	in := &hipstershop.ShipOrderRequest{Address: headquarters(), Items: items(2)}
	ids := make([]string, 12)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() { ids[i], _ = ship(t, servers[i%3], "k", in) })
	}
	wg.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("one key has the parcels %q", ids)
		}
	}
	if other, err := ship(t, servers[0], "other", in); err != nil || other == ids[0] {
		t.Errorf("another key has the parcel %s, %v", other, err)
	}
	if _, err := ship(t, servers[1], "k", &hipstershop.ShipOrderRequest{Address: headquarters(), Items: items(3)}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("another parcel under the key: %v", err)
	}
	if again, err := ship(t, replica(t, dir, rand.IntN), "k", in); err != nil || again != ids[0] {
		t.Errorf("after a restart, the key has the parcel %s, %v", again, err)
	}
}
