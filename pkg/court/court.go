package court

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

const (
	// Owner is who injects the faults.
	Owner = "saga prove"
	// faultsLast is how long the faults of a run last at most, if they are not cleared.
	faultsLast = 10 * time.Minute
	// controlTries is how often the order that nothing happens to is tried, until the services know their director.
	controlTries = 5
)

// Shop is what the court asks of the running shop.
type Shop interface {
	Status(context.Context, *controlpb.StatusRequest, ...grpc.CallOption) (*controlpb.StatusResponse, error)
	InjectFault(context.Context, *controlpb.InjectFaultRequest, ...grpc.CallOption) (*controlpb.InjectFaultResponse, error)
	ClearFaults(context.Context, *controlpb.ClearFaultsRequest, ...grpc.CallOption) (*controlpb.ClearFaultsResponse, error)
}

// Config is what a run needs.
type Config struct {
	Shop Shop
	// Checkout is the service on trial: "checkout".
	Checkout string
	// Columns to try in all rows. In the rows without a kill, all columns are tried.
	Columns []Column
	// Only limits the rows; nil: all.
	Only func(Row) bool
	// Within is how long an order may take to end after the kill.
	Within time.Duration
	// Progress is called with one line before each wave; nil: it is not.
	Progress func(text string, tried, all int)
}

// Cell is one order of the matrix, and what has become of it.
type Cell struct {
	Row    Row
	Column Column
	// Reached is whether the order came to its point.
	Reached bool
	Facts   Facts
	// Wrong is which invariant does not hold; empty if all do.
	Wrong string
	Trace string
	// Answer is what the customer got: "OK", or the error.
	Answer string
}

// Verdict is the result of a run.
type Verdict struct {
	// Amount is that of each order.
	Amount string
	// Inside is whether the checkout has points of its own, Silent whether it has no shopctl.shop.v1.Orders.
	Inside, Silent bool
	Cells          []Cell
	Took           time.Duration
}

// Wrong counts the cells in which an invariant does not hold, and those whose point was not reached.
func (v *Verdict) Wrong() (wrong, missed int) {
	for _, c := range v.Cells {
		if c.Wrong != "" {
			wrong++
		} else if !c.Reached {
			missed++
		}
	}
	return wrong, missed
}

// court is a run.
type court struct {
	cfg       Config
	run       string
	director  *director
	books     *books
	customers customers
	amount    string
	conns     map[string]*grpc.ClientConn
	workloads map[string]string
	orders    []*order
	spent     []*order // that other orders replaced
	facts     map[*order]Facts
}

// callees are the services that hold the orders.
func callees() []string { return []string{"cart", "payment", "shipping", "email"} }

// Try runs the trial. The shop is left as it was: without the faults of the run, and with empty carts. The error says why
// there is no verdict.
func Try(ctx context.Context, cfg Config) (v *Verdict, err error) {
	var id [3]byte
	_, _ = rand.Read(id[:]) // never fails
	c := &court{cfg: cfg, run: hex.EncodeToString(id[:]), conns: map[string]*grpc.ClientConn{}, workloads: map[string]string{}, facts: map[*order]Facts{}}
	started := time.Now()
	if err := c.connect(ctx); err != nil {
		return nil, err
	}
	defer c.hangUp()
	if c.director, err = startDirector(); err != nil {
		return nil, err
	}
	defer c.director.close()
	defer func() { err = errors.Join(err, c.restore(context.WithoutCancel(ctx))) }()
	if err := c.direct(ctx); err != nil {
		return nil, err
	}
	if err := c.control(ctx); err != nil {
		return nil, err
	}
	tried := 0
	for _, next := range []func() []wave{c.waves, c.again} {
		for _, w := range next() {
			if cfg.Progress != nil {
				cfg.Progress(w.String(), tried, len(c.orders)+len(c.spent))
			}
			if err := c.try(ctx, w); err != nil {
				return nil, err
			}
			tried += len(w.orders)
		}
	}
	if err := c.judge(ctx, c.orders); err != nil {
		return nil, err
	}
	return c.verdict(time.Since(started)), nil
}

// connect dials the services by their stable addresses.
func (c *court) connect(ctx context.Context) error {
	st, err := c.cfg.Shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return err
	}
	if st.GetMonolith() {
		return errors.New("the shop runs as one process: a kill would meet all services at once")
	}
	for _, name := range append(callees(), c.cfg.Checkout) {
		service, err := find(st, name)
		switch {
		case err != nil:
			return err
		case service.GetReady() == 0:
			return fmt.Errorf("%s is not ready: %s", name, service.GetState())
		}
		conn, err := grpc.NewClient(service.GetAddress(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return fmt.Errorf("connect to %s: %w", name, err)
		}
		c.conns[name], c.workloads[name] = conn, service.GetWorkload()
	}
	checkout := c.conns[c.cfg.Checkout]
	c.books = newBooks(checkout, c.conns["payment"], c.conns["shipping"], c.conns["email"], c.conns["cart"])
	c.customers = customers{hipstershop.NewCheckoutServiceClient(checkout), hipstershop.NewCartServiceClient(c.conns["cart"])}
	return nil
}

// find returns a service in the shop's own namespace.
func find(st *controlpb.StatusResponse, name string) (*controlpb.Service, error) {
	for _, s := range st.GetServices() {
		if s.GetName() == name && s.GetNamespace() == st.GetNamespace() {
			return s, nil
		}
	}
	return nil, fmt.Errorf("the shop has no service %q", name)
}

func (c *court) hangUp() {
	for _, conn := range c.conns {
		_ = conn.Close()
	}
}

// direct makes the services ask the director. A checkout that is not built on the chassis has no points inside.
func (c *court) direct(ctx context.Context) error {
	for _, name := range append(callees(), c.cfg.Checkout) {
		_, err := c.cfg.Shop.InjectFault(ctx, &controlpb.InjectFaultRequest{
			Fault: &controlpb.Fault{Service: name, Director: c.director.socket, Owner: Owner}, For: durationpb.New(faultsLast),
		})
		if err != nil && name != c.cfg.Checkout {
			return fmt.Errorf("direct the calls of %s: %w", name, err)
		}
	}
	return nil
}

// restore clears the faults, and empties carts.
func (c *court) restore(ctx context.Context) error {
	_, err := c.cfg.Shop.ClearFaults(ctx, &controlpb.ClearFaultsRequest{Owner: Owner})
	for _, o := range append(c.spent, c.orders...) {
		if f, known := c.facts[o]; known && !f.InCart {
			continue
		}
		if problem := c.customers.empty(ctx, o); problem != nil {
			return errors.Join(err, fmt.Errorf("empty the cart of %s: %w", o.user, problem))
		}
	}
	return err
}

// control places orders that nothing happens to. What is read of the records begins after the first one; the second shows that the
// shop works, and what an order costs.
func (c *court) control(ctx context.Context) error {
	for n := range controlTries {
		o, err := c.placeOne(ctx, n)
		if err != nil {
			return err
		}
		if c.books.afterCharge == "" {
			if c.books.afterCharge = c.director.transactionOf(o); c.books.afterCharge == "" {
				if err := pause(ctx, 200*time.Millisecond); err != nil {
					return err
				}
				continue // payment does not know its director yet
			}
			c.books.afterParcel = o.answer.GetShippingTrackingId()
			continue
		}
		return c.begin(ctx, o)
	}
	return errors.New("payment does not ask the court about charges: is it the built-in one, and does the checkout call it?")
}

// placeOne places an order that nothing happens to.
func (c *court) placeOne(ctx context.Context, n int) (*order, error) {
	o := newOrder(c.run, n, Row{}, Once)
	c.director.add([]*order{o})
	if err := c.customers.fill(ctx, o); err != nil {
		return nil, fmt.Errorf("fill a cart: %w", err)
	}
	answer, err := c.customers.place(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("an order that nothing happens to is not placed: %w", err)
	}
	o.answer = answer
	return o, nil
}

// begin judges an order that nothing happened to.
func (c *court) begin(ctx context.Context, o *order) error {
	wrong := ""
	for end := time.Now().Add(c.cfg.Within); ; {
		if err := c.books.read(ctx); err != nil {
			return err
		}
		f, err := c.books.facts(ctx, o)
		if err != nil {
			return err
		}
		if len(f.Charged) == 1 {
			c.amount = f.Charged[0]
		}
		if wrong = f.Wrong(c.amount); wrong == "" {
			return nil
		}
		if time.Now().After(end) {
			return errors.New("an order that nothing happens to: " + wrong)
		}
		if err := pause(ctx, bookEvery); err != nil {
			return err
		}
	}
}

// transactionOf is the charge of an order, as far as payment has told.
func (d *director) transactionOf(o *order) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	for m, other := range d.of {
		if m.kind == byTransaction && other == o {
			return m.value
		}
	}
	return ""
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// verdict collects the cells.
func (c *court) verdict(took time.Duration) *Verdict {
	v := &Verdict{Amount: c.amount, Inside: c.director.inside, Silent: c.books.silent, Took: took}
	for _, o := range c.orders {
		cell := Cell{Row: o.row, Column: o.column, Reached: o.reached, Facts: c.facts[o], Trace: o.trace, Answer: "OK"}
		cell.Wrong = cell.Facts.Wrong(c.amount)
		if o.refuse != nil {
			cell.Answer = o.refuse.Error()
		}
		v.Cells = append(v.Cells, cell)
	}
	return v
}

// copyOf makes the call of a moment again, as it was.
func (c *court) copyOf(ctx context.Context, service string, m lifeline.Moment, trace string) error {
	return within(ctx, callTimeout, func(ctx context.Context) error { return deliver(ctx, c.conns[service], m, trace) })
}
