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
	shelf *shelf
	// delay comes before every answer: EXTRA_LATENCY.
	delay    time.Duration
	searches prometheus.Histogram
	log      *slog.Logger
}

func newServer(sh *shelf, delay time.Duration, log *slog.Logger, metrics prometheus.Registerer) (*server, error) {
	s := &server{shelf: sh, delay: delay, log: log, searches: prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "shop_search_duration_seconds",
		Help:    "Time to answer a search of the catalogue.",
		Buckets: prometheus.ExponentialBuckets(25e-6, 4, 10), // 25 us to 6.6 s
	})}
	if err := metrics.Register(s.searches); err != nil {
		return nil, fmt.Errorf("register metric: %w", err)
	}
	return s, nil
}

func (s *server) ListProducts(ctx context.Context, _ *hipstershop.Empty) (*hipstershop.ListProductsResponse, error) {
	if err := s.dawdle(ctx); err != nil {
		return nil, err
	}
	return s.shelf.products(ctx).all, nil
}

func (s *server) GetProduct(ctx context.Context, in *hipstershop.GetProductRequest) (*hipstershop.Product, error) {
	if err := s.dawdle(ctx); err != nil {
		return nil, err
	}
	product, ok := s.shelf.products(ctx).byID[in.GetId()]
	if !ok {
		return nil, status.Errorf(codes.NotFound, "no product with ID %s", in.GetId())
	}
	return product, nil
}

func (s *server) SearchProducts(ctx context.Context, in *hipstershop.SearchProductsRequest) (*hipstershop.SearchProductsResponse, error) {
	defer prometheus.NewTimer(s.searches).ObserveDuration()
	if err := s.dawdle(ctx); err != nil {
		return nil, err
	}
	found := s.shelf.products(ctx).search(in.GetQuery())
	// What people look for in vain is what the shop should sell.
	s.log.InfoContext(ctx, "products searched", "query", clip(in.GetQuery()), "found", len(found))
	return &hipstershop.SearchProductsResponse{Results: found}, nil
}

// longestQuery is how much of a query a log line holds, in bytes.
const longestQuery = 80

func clip(query string) string {
	if len(query) <= longestQuery {
		return query
	}
	return strings.ToValidUTF8(query[:longestQuery], "") + "..."
}

// dawdle waits for the extra latency, but no longer than the caller does.
func (s *server) dawdle(ctx context.Context) error {
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
