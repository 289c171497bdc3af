package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

const (
	mug         = "6E92ZMYYFZ" // kitchen
	tankTop     = "66VCHSJNUP" // clothing, tops
	manyFailure = "count view of product " + tankTop + ": it has 2 categories, want 1"
)

func TestReleaseV2FailsForProductsOfSeveralCategories(t *testing.T) {
	for tag, want := range map[string]codes.Code{"": codes.OK, "latest": codes.OK, "v0.3.0": codes.OK, "v1": codes.OK, "v2": codes.Internal, "v3": codes.OK} {
		service := chassistest.Start(t, Setup, map[string]string{"IMAGE_TAG": tag})
		client := hipstershop.NewProductCatalogServiceClient(service.Conn())
		if _, err := client.GetProduct(t.Context(), &hipstershop.GetProductRequest{Id: mug}); err != nil {
			t.Errorf("tag %q, a product of one category: %v", tag, err)
		}
		_, err := client.GetProduct(t.Context(), &hipstershop.GetProductRequest{Id: tankTop})
		if got := status.Convert(err); got.Code() != want || want != codes.OK && got.Message() != manyFailure {
			t.Errorf("tag %q, a product of two: %v, want %v", tag, err, want)
		}
		if _, err := client.ListProducts(t.Context(), &hipstershop.Empty{}); err != nil {
			t.Errorf("tag %q, all products: %v", tag, err)
		}
	}
}

func TestViewsAreCountedInEachCategory(t *testing.T) {
	registry := prometheus.NewRegistry()
	v, err := newViews("v3", registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, categories := range [][]string{{"clothing", "tops"}, {"clothing"}, nil} {
		if err := v.count(&hipstershop.Product{Categories: categories}); err != nil {
			t.Error(err)
		}
	}
	families, err := registry.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("%d metrics and %v", len(families), err)
	}
	got := map[string]float64{}
	for _, m := range families[0].GetMetric() {
		got[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
	}
	if diff := cmp.Diff(map[string]float64{"clothing": 2, "tops": 1}, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheTagOfTheMonolithIsNoReleaseOfTheCatalog(t *testing.T) {
	service := chassistest.StartModules(t, []chassis.Module{{Name: "catalog", Workload: "productcatalogservice", Setup: Setup}}, map[string]string{"IMAGE_TAG": "v2"})
	client := hipstershop.NewProductCatalogServiceClient(service.Conn())
	if _, err := client.GetProduct(t.Context(), &hipstershop.GetProductRequest{Id: tankTop}); err != nil {
		t.Error(err)
	}
}
