package chassis_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// adServer is a service with one method, which needs the catalog.
type adServer struct {
	hipstershop.UnimplementedAdServiceServer
	catalog hipstershop.ProductCatalogServiceClient
}

func (s adServer) GetAds(ctx context.Context, _ *hipstershop.AdRequest) (*hipstershop.AdResponse, error) {
	products, err := s.catalog.ListProducts(ctx, &hipstershop.Empty{})
	if err != nil {
		return nil, err
	}
	resp := &hipstershop.AdResponse{}
	for _, p := range products.GetProducts() {
		resp.Ads = append(resp.Ads, &hipstershop.Ad{Text: p.GetName(), RedirectUrl: "/product/" + p.GetId()})
	}
	return resp, nil
}

// setup registers what the service offers. The chassis does the rest: it listens on PORT, reports health, makes spans
// and metrics, sets deadlines, and drains.
func setup(_ context.Context, rt *chassis.Runtime) error {
	conn, err := rt.Dial("PRODUCT_CATALOG_SERVICE_ADDR", chassis.WithRetry(hipstershop.ProductCatalogService_ListProducts_FullMethodName))
	if err != nil {
		return err
	}
	hipstershop.RegisterAdServiceServer(rt.Server(), adServer{catalog: hipstershop.NewProductCatalogServiceClient(conn)})
	return nil
}

// A program that is a service: it runs until a signal ends it, or its daemon is gone.
func ExampleRun() {
	main := func() int {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		down, up, err := lifeline.Open(os.Getenv(lifeline.Env))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		o := chassis.Options{Name: "ad", Workload: "adservice", Getenv: os.Getenv, Stdout: os.Stdout}
		if down != nil {
			o.Down, o.Up = down, up
		}
		if err := chassis.Run(ctx, o, setup); err != nil && !errors.Is(err, chassis.ErrLifeline) {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
	_ = main
}

// A service that lacks a setting does not start, and says what it needs.
func ExampleRun_missingAddress() {
	err := chassis.Run(context.Background(), chassis.Options{
		Name: "ad", Workload: "adservice", Getenv: func(string) string { return "" }, Stdout: io.Discard,
	}, setup)
	fmt.Println(err)
	// Output:
	// set up adservice: PRODUCT_CATALOG_SERVICE_ADDR is not set: adservice needs the address of that service, such as PRODUCT_CATALOG_SERVICE_ADDR=127.0.0.1:7070
}
