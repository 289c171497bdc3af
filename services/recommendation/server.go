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
	// most is how many products are recommended.
	most = 5
	// patience is the longest that the catalogue is waited for.
	patience = 2 * time.Second
)

// catalog is what is needed of the productcatalogservice.
type catalog interface {
	ListProducts(ctx context.Context, in *hipstershop.Empty, opts ...grpc.CallOption) (*hipstershop.ListProductsResponse, error)
}

type server struct {
	hipstershop.UnimplementedRecommendationServiceServer
	catalog catalog
	shuffle func(n int, swap func(i, j int)) // safe for concurrent use
	log     *slog.Logger
}

// ListRecommendations returns at most five different products of the catalogue that are not among the
// given ones, in random order.
func (s *server) ListRecommendations(ctx context.Context, in *hipstershop.ListRecommendationsRequest) (*hipstershop.ListRecommendationsResponse, error) {
	within, cancel := leaveTime(ctx)
	defer cancel()
	products, err := s.catalog.ListProducts(within, &hipstershop.Empty{})
	if ctx.Err() != nil { // nobody waits for an answer any more
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	if err != nil {
		s.log.WarnContext(ctx, "recommend nothing: the catalog does not answer", "error", err.Error())
		return &hipstershop.ListRecommendationsResponse{}, nil
	}
	ids := candidates(products.GetProducts(), in.GetProductIds())
	s.shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	return &hipstershop.ListRecommendationsResponse{ProductIds: ids[:min(most, len(ids))]}, nil
}

// leaveTime bounds the call to the catalogue so that, when it hangs, enough of the caller's own
// deadline is left to answer with nothing.
func leaveTime(ctx context.Context) (context.Context, context.CancelFunc) {
	wait := patience
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(deadline)*3/4)
	}
	return context.WithTimeout(ctx, wait)
}

// candidates returns the ids of the products, each once, without those to leave out.
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
