package court

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

const (
	// loadTime is how long orders may take to reach their points, and quietTime how long nothing may be heard of them: below
	// the deadlines of the calls that are held.
	loadTime, quietTime = 4 * time.Second, time.Second
	// lateAfter is when copies are delivered that are late: by then, what was interrupted is taken up again.
	lateAfter = 7 * time.Second
	// restartTime is how long a killed service may take to be ready again.
	restartTime = 20 * time.Second
	pollEvery   = 50 * time.Millisecond
	bookEvery   = 300 * time.Millisecond
	// stillFor is how long nothing is heard of an order that has ended, where checkout does not say whether it has.
	stillFor = 1500 * time.Millisecond
)

// wave is orders that one kill meets.
type wave struct {
	victim string
	column Column // empty: several
	orders []*order
}

func (w wave) String() string {
	if w.victim == "" {
		return "requests are delivered twice or late, responses are lost"
	}
	return w.victim + " is killed"
}

// waves makes the orders of the run. The checkout is killed once for each column, so that not too many orders wait at a time.
func (c *court) waves() (all []wave) {
	n := controlTries
	for _, row := range Rows(c.cfg.Checkout, c.director.hasInside()) {
		if c.cfg.Only != nil && !c.cfg.Only(row) {
			continue
		}
		for _, column := range Columns() {
			if !row.Tried(column) || row.Victim != "" && !slices.Contains(c.cfg.Columns, column) {
				continue
			}
			w := wave{victim: row.Victim}
			if row.Victim == c.cfg.Checkout {
				w.column = column
			}
			o := newOrder(c.run, n, row, column)
			n++
			all = addTo(all, w, o)
			c.orders = append(c.orders, o)
		}
	}
	return all
}

// addTo adds an order to the wave that is like w.
func addTo(all []wave, w wave, o *order) []wave {
	i := slices.IndexFunc(all, func(other wave) bool { return other.victim == w.victim && other.column == w.column })
	if i < 0 {
		i = len(all)
		all = append(all, w)
	}
	all[i].orders = append(all[i].orders, o)
	return all
}

// again makes a second order for each cell whose first one did not reach its point: on a busy machine, it may have been late.
func (c *court) again() (all []wave) {
	n := controlTries + len(c.orders)
	for i, o := range c.orders {
		if o.reached || c.facts[o].Wrong(c.amount) != "" {
			continue
		}
		w := wave{victim: o.row.Victim}
		if w.victim == c.cfg.Checkout {
			w.column = o.column
		}
		c.orders[i] = newOrder(c.run, n+i, o.row, o.column)
		c.spent = append(c.spent, o)
		all = addTo(all, w, c.orders[i])
	}
	return all
}

func (d *director) hasInside() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.inside
}

// try places the orders of a wave, kills, and waits until all have ended.
func (c *court) try(ctx context.Context, w wave) error {
	for _, o := range w.orders {
		if err := c.customers.fill(ctx, o); err != nil {
			return fmt.Errorf("fill a cart: %w", err)
		}
	}
	c.director.add(w.orders)
	c.director.load(w.orders)
	ctx, leave := context.WithCancel(ctx)
	var buyers sync.WaitGroup
	defer buyers.Wait()
	defer leave()
	for _, o := range w.orders {
		buyers.Go(func() {
			c.customers.buy(ctx, o, func(answer *hipstershop.OrderResult, err error) { c.director.end(o, answer, err) })
			c.director.leave(o)
		})
	}
	if err := c.loaded(ctx, w); err != nil {
		return err
	}
	if w.victim != "" {
		before, err := c.service(ctx, w.victim)
		if err != nil {
			return err
		}
		if err := c.kill(ctx, w.victim); err != nil {
			return err
		}
		c.director.release(w.orders, before.GetWorkload(), w.victim == c.cfg.Checkout)
		if err := c.ready(ctx, before); err != nil {
			return err
		}
	} else {
		c.director.release(w.orders, "", false)
	}
	return c.settle(ctx, w)
}

// loaded waits until the orders have reached their points, or are stuck on their way.
func (c *court) loaded(ctx context.Context, w wave) error {
	for end := time.Now().Add(loadTime); ; {
		left, quiet := c.director.progress(w.orders)
		if left == 0 || w.victim != "" && (quiet > quietTime || time.Now().After(end)) {
			return nil
		}
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// kill kills all instances of a service.
func (c *court) kill(ctx context.Context, service string) error {
	_, err := c.cfg.Shop.InjectFault(ctx, &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Service: service, Crash: true, Owner: Owner}})
	if err != nil {
		return fmt.Errorf("kill %s: %w", service, err)
	}
	return nil
}

// service returns the state of a service.
func (c *court) service(ctx context.Context, name string) (*controlpb.Service, error) {
	st, err := c.cfg.Shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return nil, err
	}
	return find(st, name)
}

// ready waits until all instances of a service, which was in a state before, run again.
func (c *court) ready(ctx context.Context, before *controlpb.Service) error {
	for end := time.Now().Add(restartTime); ; {
		now, err := c.service(ctx, before.GetName())
		switch {
		case err != nil:
			return err
		case now.GetRestarts() > before.GetRestarts() && now.GetReady() == now.GetReplicas():
			return nil
		case time.Now().After(end):
			return fmt.Errorf("%s is not ready %s after it was killed: %s", before.GetName(), restartTime, now.GetState())
		}
		if err := pause(ctx, 2*pollEvery); err != nil {
			return err
		}
	}
}

// settle waits until all orders of a wave have ended as they should, or have had the time for it. Then what is late arrives.
func (c *court) settle(ctx context.Context, w wave) error {
	began, late := time.Now(), slices.ContainsFunc(w.orders, func(o *order) bool { return o.column == Late })
	for {
		if late && time.Since(began) > lateAfter {
			late = false
			if err := c.deliverLate(ctx, w.orders); err != nil {
				return err
			}
		}
		err := c.judge(ctx, w.orders)
		over := time.Since(began) > c.cfg.Within
		if over && err != nil {
			return err
		}
		if err == nil && !late && (over || !slices.ContainsFunc(w.orders, func(o *order) bool { return !c.ended(o) })) {
			return nil
		}
		if err := pause(ctx, bookEvery); err != nil {
			return err
		}
	}
}

// ended reports whether nothing more is expected of an order.
func (c *court) ended(o *order) bool {
	moment, calling := c.director.heard(o)
	return c.facts[o].Wrong(c.amount) == "" && !calling && time.Since(moment) > c.still()
}

func (c *court) still() time.Duration {
	if c.books.silent {
		return stillFor
	}
	return bookEvery
}

// judge reads what the services hold of orders.
func (c *court) judge(ctx context.Context, orders []*order) error {
	if err := c.books.read(ctx); err != nil {
		return err
	}
	for _, o := range orders {
		f, err := c.books.facts(ctx, o)
		if err != nil {
			return err
		}
		c.facts[o] = f
	}
	return nil
}

// deliverLate delivers the copies of requests that are late. How such a call ends does not matter, only its effect.
func (c *court) deliverLate(ctx context.Context, orders []*order) error {
	for _, o := range orders {
		m := c.director.copied(o)
		if o.column != Late || m == nil {
			continue
		}
		service := ""
		for name, workload := range c.workloads {
			if workload == m.Workload {
				service = name
			}
		}
		if service == "" {
			return fmt.Errorf("no service on trial has the workload %s", m.Workload)
		}
		_ = c.copyOf(ctx, service, *m, o.traceparent())
	}
	return nil
}

func (d *director) copied(o *order) *lifeline.Moment {
	d.mu.Lock()
	defer d.mu.Unlock()
	return o.copied
}

// deliver makes a call whose request is encoded already.
func deliver(ctx context.Context, conn *grpc.ClientConn, m lifeline.Moment, traceparent string) error {
	ctx = metadata.AppendToOutgoingContext(ctx, "traceparent", traceparent)
	if m.Key != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "idempotency-key", m.Key)
	}
	var response []byte
	return conn.Invoke(ctx, m.Method, m.Request, &response, grpc.ForceCodecV2(wireCodec{}))
}

// wireCodec passes messages on as they are.
type wireCodec struct{}

func (wireCodec) Marshal(v any) (mem.BufferSlice, error) {
	wire, _ := v.([]byte)
	return mem.BufferSlice{mem.SliceBuffer(wire)}, nil
}

func (wireCodec) Unmarshal(data mem.BufferSlice, v any) error {
	if into, ok := v.(*[]byte); ok {
		*into = data.Materialize()
	}
	return nil
}

func (wireCodec) Name() string { return "proto" }

var _ encoding.CodecV2 = wireCodec{}
