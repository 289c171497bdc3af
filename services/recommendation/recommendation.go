// Package recommendation is the recommendationservice: it suggests products that the visitor is not
// looking at already. Suggestions are optional: if the catalog fails, the response is empty.
package recommendation

import (
	"context"
	"math/rand/v2"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// Setup registers the service on rt.
func Setup(_ context.Context, rt *chassis.Runtime) error {
	conn, err := rt.Dial("PRODUCT_CATALOG_SERVICE_ADDR",
		chassis.WithTimeout(catalogTimeout),
		chassis.WithRetry(hipstershop.ProductCatalogService_ListProducts_FullMethodName))
	if err != nil {
		return err
	}
	hipstershop.RegisterRecommendationServiceServer(rt.Server(), &server{
		catalog: hipstershop.NewProductCatalogServiceClient(conn),
		shuffle: rand.Shuffle,
		log:     rt.Log(),
	})
	return nil
}
