// Package warehouse is the warehouse: it knows what is to be packed and what orders took of each product, from the shop's events
// alone. It is a projection: it lags behind checkout by as long as events take to arrive, and calls no
// other service.
//
// NATS_URL is the address of the bus. What was learned is in a database in DATA_DIR, which replicas share, or in memory without
// such a directory; events are recorded there with what they change, so that each counts once.
package warehouse

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/bus"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// Setup registers the service on rt.
func Setup(_ context.Context, rt *chassis.Runtime) error {
	url := rt.Getenv("NATS_URL")
	if url == "" {
		return errors.New("NATS_URL is not set: it is the address of the bus of events, such as nats://nats:4222")
	}
	b, err := bus.Connect(bus.Config{URL: url, Name: rt.Workload(), Log: rt.Log(), Tracer: rt.Tracer()})
	if err != nil {
		return fmt.Errorf("read NATS_URL: %w", err)
	}
	p, err := openProjection(rt.DataDir(), rt.Now, rt.Log())
	if err != nil {
		b.Close()
		return err
	}
	lag := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "shop_projection_lag_seconds", Help: "How long ago the event that was applied last had happened.",
	})
	if err := rt.Metrics().Register(lag); err != nil {
		b.Close()
		return errors.Join(fmt.Errorf("register the metric of the lag: %w", err), p.close(context.Background()))
	}
	shopv1.RegisterWarehouseServer(rt.Server(), server{projection: p})
	rt.Ready("projection", p.check)
	rt.Go("receive events", func(ctx context.Context) error {
		return b.Consume(ctx, bus.Consumer{Name: rt.Name(), Handle: consumer{projection: p, lag: lag}.handle})
	})
	rt.OnDrain(func(context.Context) error { b.Close(); return nil })
	rt.OnDrain(p.close)
	return nil
}
