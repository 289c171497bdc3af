package warehouse

import (
	"context"
	"database/sql/driver"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/shopctl/shopctl/pkg/chassis/bus"
	"github.com/shopctl/shopctl/pkg/chassis/durable"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopevent"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// keepOrders is of how many orders the state is kept. The stock counts all.
const keepOrders = 100_000

// schema has a row for each order; the one with the highest heard was heard of last. counted is whether its units are in the
// stock. Times are Unix milliseconds.
func schema() []string {
	return []string{
		bus.InboxSchema,
		`CREATE TABLE IF NOT EXISTS packing (
			heard INTEGER PRIMARY KEY, order_id TEXT NOT NULL UNIQUE, state INTEGER NOT NULL, tracking_id TEXT NOT NULL, units INTEGER NOT NULL, counted INTEGER NOT NULL,
			sequence INTEGER NOT NULL, happened INTEGER NOT NULL, applied INTEGER NOT NULL
		)`,
		"CREATE TABLE IF NOT EXISTS stock (product_id TEXT PRIMARY KEY, units INTEGER NOT NULL, orders INTEGER NOT NULL)",
		"CREATE TABLE IF NOT EXISTS applied (id INTEGER PRIMARY KEY, events INTEGER NOT NULL)",
		"SELECT heard, " + columns + ", counted FROM packing LIMIT 0", "SELECT product_id, units, orders FROM stock LIMIT 0",
	}
}

const columns = "order_id, state, tracking_id, units, sequence, happened, applied"

type projection struct {
	store *durable.Store
	now   func() time.Time
}

func openProjection(dir string, now func() time.Time, log *slog.Logger) (*projection, error) {
	store, err := durable.Open(durable.Config{
		Dir: dir, Name: "warehouse", Now: now, Log: log, Tables: durable.Tables{Content: "the warehouse", Version: 1, Schema: schema()},
	})
	if err != nil {
		return nil, err
	}
	return &projection{store: store, now: now}, nil
}

func (p *projection) check(ctx context.Context) error { return p.store.Check(ctx) }
func (p *projection) close(context.Context) error     { return p.store.Close() }

// consumer applies events to the projection.
type consumer struct {
	projection *projection
	lag        prometheus.Gauge
}

// handle applies an event once. Types that it does not know are none of the warehouse's business.
func (c consumer) handle(_ context.Context, e shopevent.Event) error {
	state, known := stateAfter(e.Type)
	if !known {
		return nil
	}
	about, err := e.Order()
	if err != nil {
		return bus.Refuse(err)
	}
	sequence, err := strconv.ParseInt(e.Sequence, 10, 64)
	if err != nil || sequence < 1 {
		return bus.Refuse(fmt.Errorf("read event %s: its sequence is %q, want a number from 1 on", e.ID, e.Sequence))
	}
	var items []*hipstershop.OrderItem
	if e.Type == shopevent.OrderPlaced {
		var result hipstershop.OrderResult
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(about.Result, &result); err != nil {
			return bus.Refuse(fmt.Errorf("read the order of event %s: %w", e.ID, err))
		}
		items = result.GetItems()
	}
	now := c.projection.now()
	err = c.projection.store.Update(func(tx durable.Tx) error {
		if first, err := bus.First(tx, e); err != nil || !first {
			return err
		}
		return apply(tx, fact{about, state, sequence, e.Time.UnixMilli(), now.UnixMilli(), items})
	})
	if err != nil {
		return bus.Wait(err) // of the database
	}
	c.lag.Set(now.Sub(e.Time).Seconds())
	return nil
}

func stateAfter(kind string) (shopv1.PackingState, bool) {
	state, ok := map[string]shopv1.PackingState{
		shopevent.PaymentCharged: shopv1.PackingState_PAID, shopevent.OrderShipped: shopv1.PackingState_SHIPPED, shopevent.OrderPlaced: shopv1.PackingState_DONE,
		shopevent.PaymentRefunded: shopv1.PackingState_REFUNDED, shopevent.OrderCancelled: shopv1.PackingState_CANCELED,
	}[kind]
	return state, ok
}

// fact is what an event says.
type fact struct {
	about             shopevent.Order
	state             shopv1.PackingState
	sequence          int64
	happened, applied int64
	items             []*hipstershop.OrderItem // of an order that is placed
}

// apply writes a fact. One that comes after newer ones, as a dead letter may that is sent again, adds what they do not say, and
// does not put the order back.
func apply(tx durable.Tx, f fact) error {
	units := int64(0)
	for _, item := range f.items {
		units += int64(item.GetItem().GetQuantity())
	}
	counted := false
	err := tx.Query(func(row []driver.Value) error {
		counted = row[0].(int64) != 0
		return nil
	}, "SELECT counted FROM packing WHERE order_id = ?", f.about.OrderID)
	if err != nil {
		return err
	}
	counts := len(f.items) > 0 && !counted
	_, err = tx.Exec(`INSERT INTO packing (heard, `+columns+`, counted) VALUES ((SELECT coalesce(max(heard), 0) + 1 FROM packing), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
		ON CONFLICT (order_id) DO UPDATE SET
			heard = (SELECT max(heard) + 1 FROM packing),
			state = CASE WHEN ?5 > sequence THEN ?2 ELSE state END, tracking_id = CASE WHEN ?3 <> '' THEN ?3 ELSE tracking_id END,
			units = max(units, ?4), counted = max(counted, ?8), happened = CASE WHEN ?5 > sequence THEN ?6 ELSE happened END, applied = ?7, sequence = max(sequence, ?5)`,
		f.about.OrderID, int64(f.state), f.about.TrackingID, units, f.sequence, f.happened, f.applied, map[bool]int64{true: 1}[counts])
	if err != nil {
		return err
	}
	if counts {
		if err := take(tx, f.items); err != nil {
			return err
		}
	}
	if _, err := tx.Exec("INSERT INTO applied (id, events) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET events = events + 1"); err != nil {
		return err
	}
	_, err = tx.Exec("DELETE FROM packing WHERE heard <= (SELECT max(heard) FROM packing) - ?", int64(keepOrders))
	return err
}

// take counts what an order took.
func take(tx durable.Tx, items []*hipstershop.OrderItem) error {
	for _, item := range items {
		_, err := tx.Exec("INSERT INTO stock (product_id, units, orders) VALUES (?1, ?2, 1) ON CONFLICT (product_id) DO UPDATE SET units = units + ?2, orders = orders + 1",
			item.GetItem().GetProductId(), int64(item.GetItem().GetQuantity()))
		if err != nil {
			return err
		}
	}
	return nil
}

// packings returns orders by a condition.
func (p *projection) packings(condition string, args ...driver.Value) (found []*shopv1.Packing, err error) {
	err = p.store.Each(func(tx durable.Tx) error {
		return tx.Query(func(row []driver.Value) error {
			found = append(found, &shopv1.Packing{
				OrderId: row[0].(string), State: shopv1.PackingState(row[1].(int64)), TrackingId: row[2].(string), Units: row[3].(int64), Sequence: row[4].(int64),
				Happened: timeOf(row[5].(int64)), Applied: timeOf(row[6].(int64)),
			})
			return nil
		}, "SELECT "+columns+" FROM packing WHERE "+condition, args...)
	})
	return found, err
}

func (p *projection) events() (n int64, err error) {
	err = p.store.Each(func(tx durable.Tx) error {
		return tx.Query(func(row []driver.Value) error { n = row[0].(int64); return nil }, "SELECT events FROM applied")
	})
	return n, err
}

func (p *projection) stock() (found []*shopv1.Stock, err error) {
	err = p.store.Each(func(tx durable.Tx) error {
		return tx.Query(func(row []driver.Value) error {
			found = append(found, &shopv1.Stock{ProductId: row[0].(string), Units: row[1].(int64), Orders: row[2].(int64)})
			return nil
		}, "SELECT product_id, units, orders FROM stock ORDER BY product_id")
	})
	return found, err
}
