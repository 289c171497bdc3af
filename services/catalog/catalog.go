// Package catalog is the productcatalogservice: what the shop sells.
//
// The products come from a file of protobuf-JSON, either the one in the binary or the one that
// PRODUCT_CATALOG_FILE names. A changed file is read again within a second; if that fails, the last good version stays.
// A call uses one version from beginning to end, and never waits for a reload.
//
// Two of the original's faults are kept: EXTRA_LATENCY ("5.5s") delays every response, and SIGUSR1 makes every call
// parse the whole catalog again, until SIGUSR2.
//
// It has three releases to practice rollouts with. The image's tag v2 also counts which categories customers look at, and has
// a defect: GetProduct fails with INTERNAL for products with more than one category. v3 is v2 without it. All other tags
// are v1.
package catalog

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// lookEvery is how often the file is checked; a stat costs a microsecond or two.
const lookEvery = time.Second

// Setup registers the service on rt.
func Setup(_ context.Context, rt *chassis.Runtime) error {
	delay, err := rt.EnvDuration("EXTRA_LATENCY", 0)
	if err != nil {
		return err
	}
	if delay < 0 {
		return fmt.Errorf("read EXTRA_LATENCY=%s: must not be negative", delay)
	}
	from := embedded
	path := rt.Env("PRODUCT_CATALOG_FILE", "")
	if path != "" {
		from = file(path)
	}
	sh, err := newSnapshot(from, rt.Log())
	if err != nil {
		return err
	}
	srv, err := newServer(sh, delay, rt.ImageTag(), rt.Log(), rt.Metrics())
	if err != nil {
		return err
	}
	hipstershop.RegisterProductCatalogServiceServer(rt.Server(), srv)

	// Registered here and not in the goroutine: unhandled, either signal would end the process.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2)
	rt.Go("obey signals", func(ctx context.Context) error {
		defer signal.Stop(signals)
		sh.handleSignals(ctx, signals)
		return nil
	})
	if path != "" {
		rt.Go("watch products", func(ctx context.Context) error {
			ticker := time.NewTicker(lookEvery)
			defer ticker.Stop()
			sh.watch(ctx, path, ticker.C)
			return nil
		})
	}
	return nil
}
