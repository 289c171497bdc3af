package recommendation

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

const (
	// maxProducts is how many products are recommended.
	maxProducts = 5
	// catalogTimeout bounds the call to the catalog.
	catalogTimeout = 2 * time.Second
)

// catalog is the part of the productcatalogservice that is used.
type catalog interface {
	ListProducts(ctx context.Context, in *hipstershop.Empty, opts ...grpc.CallOption) (*hipstershop.ListProductsResponse, error)
}

type server struct {
	hipstershop.UnimplementedRecommendationServiceServer
	catalog catalog
	shuffle func(n int, swap func(i, j int)) // safe for concurrent use
	log     *slog.Logger
}

// ListRecommendations returns at most five different products of the catalog that are not among the given ones, in
// random order.
func (s *server) ListRecommendations(ctx context.Context, in *hipstershop.ListRecommendationsRequest) (*hipstershop.ListRecommendationsResponse, error) {
	within, cancel := leaveTime(ctx)
	defer cancel()
	products, err := s.catalog.ListProducts(within, &hipstershop.Empty{})
	if ctx.Err() != nil { // the caller does not wait any more
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	if err != nil {
		s.log.WarnContext(ctx, "catalog unavailable; recommending nothing", "error", err.Error())
		return &hipstershop.ListRecommendationsResponse{}, nil
	}
	ids := candidates(products.GetProducts(), in.GetProductIds())
	s.shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	return &hipstershop.ListRecommendationsResponse{ProductIds: ids[:min(maxProducts, len(ids))]}, nil
}

// leaveTime bounds the call to the catalog so that, when it hangs, enough of the caller's own deadline is left for an
// empty response.
func leaveTime(ctx context.Context) (context.Context, context.CancelFunc) {
	wait := catalogTimeout
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(deadline)*3/4)
	}
	return context.WithTimeout(ctx, wait)
}

// candidates returns the ids of the products, each once, without the excluded ones.
func candidates(products []*hipstershop.Product, leaveOut []string) []string {
	out := make(map[string]bool, len(leaveOut)+len(products))
	for _, id := range leaveOut {
		out[id] = true
	}
	ids := make([]string, 0, len(products))
	for _, p := range products {
		if id := p.GetId(); !out[id] {
			out[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}
