package recommendation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// catalogFunc is a catalog as a function.
type catalogFunc func(context.Context) ([]string, error)

func (s catalogFunc) ListProducts(ctx context.Context, _ *hipstershop.Empty, _ ...grpc.CallOption) (*hipstershop.ListProductsResponse, error) {
	ids, err := s(ctx)
	out := &hipstershop.ListProductsResponse{}
	for _, id := range ids {
		out.Products = append(out.Products, &hipstershop.Product{Id: id})
	}
	return out, err
}

func of(ids ...string) catalogFunc {
	return func(context.Context) ([]string, error) { return ids, nil }
}

func testServer(c catalog) *server {
	return &server{catalog: c, shuffle: rand.New(rand.NewPCG(5, 6)).Shuffle, log: slog.New(slog.DiscardHandler)}
}

func recommend(ctx context.Context, s *server, leaveOut ...string) ([]string, error) {
	out, err := s.ListRecommendations(ctx, &hipstershop.ListRecommendationsRequest{UserId: "u", ProductIds: leaveOut})
	return out.GetProductIds(), err
}

func TestAtMostFiveDifferentOtherProductsAreRecommended(t *testing.T) {
	all := []string{"A", "B", "C", "D", "E", "F", "G", "H", "I"}
	s := testServer(of(all...))
	seen := map[string]bool{}
	for range 200 {
		got, err := recommend(t.Context(), s, "A", "B", "NOT THERE")
		if err != nil || len(got) != 5 {
			t.Fatalf("got %v, %v, want five", got, err)
		}
		seen[fmt.Sprint(got)] = true
		slices.Sort(got)
		if len(slices.Compact(got)) != 5 || slices.Contains(got, "A") || slices.Contains(got, "B") {
			t.Fatalf("got %v", got)
		}
	}
	if len(seen) < 20 {
		t.Errorf("only %d orders came up", len(seen))
	}
}

func TestFewProductsGiveFewRecommendationsAndNoPanic(t *testing.T) {
	for _, c := range []struct {
		catalog, leaveOut []string
		want              int
	}{
		{nil, nil, 0},
		{[]string{"A"}, nil, 1},
		{[]string{"A"}, []string{"A"}, 0},
		{[]string{"A", "A", "B"}, nil, 2},
	} {
		if got, err := recommend(t.Context(), testServer(of(c.catalog...)), c.leaveOut...); err != nil || len(got) != c.want {
			t.Errorf("catalog %v without %v: %v, %v, want %d", c.catalog, c.leaveOut, got, err, c.want)
		}
	}
}

func TestAFailingCatalogRecommendsNothing(t *testing.T) {
	for _, err := range []error{status.Error(codes.Unavailable, "gone"), status.Error(codes.Internal, "broken"), errors.New("other")} {
		s := testServer(catalogFunc(func(context.Context) ([]string, error) { return nil, err }))
		if got, err := recommend(t.Context(), s); err != nil || len(got) != 0 {
			t.Errorf("got %v, %v, want nothing and no error", got, err)
		}
	}
}

func TestAHangingCatalogIsGivenUpBeforeTheCallerGivesUp(t *testing.T) {
	hang := catalogFunc(func(ctx context.Context) ([]string, error) {
		<-ctx.Done()
		return nil, status.FromContextError(ctx.Err()).Err()
	})
	for catalogTimeout, want := range map[time.Duration]time.Duration{400 * time.Millisecond: 300 * time.Millisecond, time.Minute: 2 * time.Second, 0: 2 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			ctx := t.Context()
			if catalogTimeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, catalogTimeout)
				defer cancel()
			}
			start := time.Now()
			got, err := recommend(ctx, testServer(hang))
			if took := time.Since(start); err != nil || len(got) != 0 || took != want {
				t.Errorf("catalogTimeout %v: %v, %v after %v, want nothing after %v", catalogTimeout, got, err, took, want)
			}
		})
	}
}

func TestACallerWhoLeftGetsNoAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := recommend(ctx, testServer(of("A"))); status.Code(err) != codes.Canceled {
		t.Errorf("got %v, want Canceled", err)
	}
}

type fakeCatalog struct {
	hipstershop.UnimplementedProductCatalogServiceServer
}

func (fakeCatalog) ListProducts(context.Context, *hipstershop.Empty) (*hipstershop.ListProductsResponse, error) {
	return &hipstershop.ListProductsResponse{Products: []*hipstershop.Product{{Id: "A"}, {Id: "B"}}}, nil
}

func TestTheCatalogIsCalledOverTheWireAndMayDie(t *testing.T) {
	catalog := chassistest.Start(t, func(_ context.Context, rt *chassis.Runtime) error {
		hipstershop.RegisterProductCatalogServiceServer(rt.Server(), fakeCatalog{})
		return nil
	}, nil)
	service := chassistest.Start(t, Setup, map[string]string{"PRODUCT_CATALOG_SERVICE_ADDR": catalog.Addr})
	client := hipstershop.NewRecommendationServiceClient(service.Conn())
	got, err := client.ListRecommendations(t.Context(), &hipstershop.ListRecommendationsRequest{ProductIds: []string{"A"}})
	if err != nil || !slices.Equal(got.GetProductIds(), []string{"B"}) {
		t.Errorf("got %v, %v, want B", got, err)
	}
	if err := catalog.Stop(); err != nil {
		t.Fatal(err)
	}
	got, err = client.ListRecommendations(t.Context(), &hipstershop.ListRecommendationsRequest{})
	if err != nil || len(got.GetProductIds()) != 0 {
		t.Errorf("with a dead catalog: %v, %v, want nothing and no error", got, err)
	}
}
