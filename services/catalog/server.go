package catalog

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

type server struct {
	hipstershop.UnimplementedProductCatalogServiceServer
	snapshot *snapshot
	// delay comes before every response: EXTRA_LATENCY.
	delay    time.Duration
	searches prometheus.Histogram
	views    *views
	log      *slog.Logger
}

// newServer returns the server of the release that an image's tag names.
func newServer(sn *snapshot, delay time.Duration, tag string, log *slog.Logger, metrics prometheus.Registerer) (*server, error) {
	v, err := newViews(tag, metrics)
	if err != nil {
		return nil, err
	}
	s := &server{views: v, snapshot: sn, delay: delay, log: log, searches: prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "shop_search_duration_seconds",
		Help:    "Time to search the catalog.",
		Buckets: prometheus.ExponentialBuckets(25e-6, 4, 10), // 25 us to 6.6 s
	})}
	if err := metrics.Register(s.searches); err != nil {
		return nil, fmt.Errorf("register metric: %w", err)
	}
	return s, nil
}

func (s *server) ListProducts(ctx context.Context, _ *hipstershop.Empty) (*hipstershop.ListProductsResponse, error) {
	if err := s.delayCall(ctx); err != nil {
		return nil, err
	}
	return s.snapshot.products(ctx).all, nil
}

func (s *server) GetProduct(ctx context.Context, in *hipstershop.GetProductRequest) (*hipstershop.Product, error) {
	if err := s.delayCall(ctx); err != nil {
		return nil, err
	}
	product, ok := s.snapshot.products(ctx).byID[in.GetId()]
	if !ok {
		return nil, status.Errorf(codes.NotFound, "no product with ID %s", in.GetId())
	}
	if err := s.views.count(product); err != nil {
		return nil, err
	}
	return product, nil
}

func (s *server) SearchProducts(ctx context.Context, in *hipstershop.SearchProductsRequest) (*hipstershop.SearchProductsResponse, error) {
	defer prometheus.NewTimer(s.searches).ObserveDuration()
	if err := s.delayCall(ctx); err != nil {
		return nil, err
	}
	found := s.snapshot.products(ctx).search(in.GetQuery())
	// Searches without results show what customers miss.
	s.log.InfoContext(ctx, "products searched", "query", clip(in.GetQuery()), "found", len(found))
	return &hipstershop.SearchProductsResponse{Results: found}, nil
}

// maxQuery is how much of a query is logged, in bytes.
const maxQuery = 80

func clip(query string) string {
	if len(query) <= maxQuery {
		return query
	}
	return strings.ToValidUTF8(query[:maxQuery], "") + "..."
}

// delayCall waits for the extra latency, but no longer than the caller.
func (s *server) delayCall(ctx context.Context) error {
	if s.delay == 0 {
		return nil
	}
	timer := time.NewTimer(s.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}
