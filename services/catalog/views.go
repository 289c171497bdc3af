package catalog

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// The releases that count views, by the tag of the image. All other tags are v1, which does not.
const (
	// countsOne has a defect: it expects one category of each product, and GetProduct fails for those with more.
	countsOne = "v2"
	// countsAll counts a view in each category of the product.
	countsAll = "v3"
)

// views counts which categories customers look at; nil counts nothing.
type views struct {
	total *prometheus.CounterVec
	// one: a product has one category.
	one bool
}

// newViews returns what the release of an image counts.
func newViews(tag string, metrics prometheus.Registerer) (*views, error) {
	if tag != countsOne && tag != countsAll {
		return nil, nil
	}
	v := &views{one: tag == countsOne, total: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "shop_product_views_total", Help: "Products that customers viewed, by category.",
	}, []string{"category"})}
	if err := metrics.Register(v.total); err != nil {
		return nil, fmt.Errorf("register metric: %w", err)
	}
	return v, nil
}

// count counts a view of a product.
func (v *views) count(p *hipstershop.Product) error {
	if v == nil {
		return nil
	}
	categories := p.GetCategories()
	if v.one && len(categories) != 1 {
		return status.Errorf(codes.Internal, "count view of product %s: it has %d categories, want 1", p.GetId(), len(categories))
	}
	for _, category := range categories {
		v.total.WithLabelValues(category).Inc()
	}
	return nil
}
