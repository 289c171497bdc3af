package checkout

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/bus"
	"github.com/shopctl/shopctl/pkg/chassis/durable"
	"github.com/shopctl/shopctl/pkg/rpc/shopevent"
)

const (
	// relayEvery is how often the outbox is looked into, where this process has not written to it.
	relayEvery = time.Second
	// relayBatch is how many events are sent at a time.
	relayBatch = 200
	// sendTimeout bounds a batch; relayLease is how long the outbox belongs to the process that sends it.
	sendTimeout, relayLease = 3 * time.Second, 4 * time.Second
	// The pauses while the bus is away begin with relayPause and double up to maxRelayPause.
	relayPause, maxRelayPause = 250 * time.Millisecond, 5 * time.Second
)

// relay sends the events in the outbox, in their order and at least once: an event is removed after the bus has stored it. One
// replica at a time sends.
type relay struct {
	journal *journal
	bus     *bus.Bus
	log     *slog.Logger
	// waiting is how many events were in the outbox when it was last looked into.
	waiting atomic.Int64
}

// newRelay gives the journal an outbox and connects it with the bus at NATS_URL; nil if there is none.
func newRelay(rt *chassis.Runtime, j *journal) (*relay, error) {
	url := rt.Getenv("NATS_URL")
	if url == "" {
		return nil, nil
	}
	b, err := bus.Connect(bus.Config{URL: url, Name: rt.Workload(), Log: rt.Log(), Tracer: rt.Tracer()})
	if err != nil {
		return nil, fmt.Errorf("read NATS_URL: %w", err)
	}
	j.outbox = newOutbox(rt.Log())
	r := &relay{journal: j, bus: b, log: rt.Log()}
	gauge := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "shop_outbox_events", Help: "Events that wait in the outbox of orders to be stored by the bus.",
	}, func() float64 { return float64(r.waiting.Load()) })
	if err := rt.Metrics().Register(gauge); err != nil {
		b.Close()
		return nil, fmt.Errorf("register the metric of the outbox: %w", err)
	}
	return r, nil
}

// confirmsByEvent reads how email learns of an order: by a "call" (the default), or by "events".
func confirmsByEvent(rt *chassis.Runtime) (bool, error) {
	switch by := rt.Env("CONFIRM_BY", "call"); {
	case by == "call":
		return false, nil
	case by != "events":
		return false, fmt.Errorf("read CONFIRM_BY=%q: want call or events", by)
	case rt.Getenv("NATS_URL") == "":
		return false, errors.New("read CONFIRM_BY=events: there are no events without NATS_URL, the address of the bus")
	}
	return true, nil
}

func (r *relay) close(context.Context) error {
	r.bus.Close()
	return nil
}

// run sends events until ctx ends.
func (r *relay) run(ctx context.Context) error {
	failing := time.Time{}
	for pause := relayPause; ctx.Err() == nil; {
		sent, err := r.sendSome(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			if failing.IsZero() {
				failing = r.journal.now()
				r.log.Warn("events wait in the outbox", "events", r.waiting.Load(), "error", err)
			}
			r.sleep(ctx, pause, nil)
			pause = min(2*pause, maxRelayPause)
			continue
		case sent > 0:
			if !failing.IsZero() {
				r.log.Info("events are sent again", "after", r.journal.now().Sub(failing).Round(time.Millisecond).String())
			}
			failing, pause = time.Time{}, relayPause
			continue
		}
		r.sleep(ctx, relayEvery, r.journal.outbox.wake)
	}
	return nil
}

func (r *relay) sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	case <-ctx.Done():
	}
}

// sendSome sends the oldest events, if no other process does.
func (r *relay) sendSome(ctx context.Context) (sent int, err error) {
	if err := r.count(); err != nil || r.waiting.Load() == 0 {
		return 0, err
	}
	rows, events, err := r.take()
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	sent, err = r.bus.Publish(ctx, events)
	if failure := r.remove(rows[:sent]); failure != nil {
		return 0, failure // they are sent again, and recognized by their ids
	}
	return sent, err
}

func (r *relay) count() error {
	return r.journal.store.Each(func(tx durable.Tx) error {
		return tx.Query(func(row []driver.Value) error {
			r.waiting.Store(row[0].(int64))
			return nil
		}, "SELECT count(*) FROM outbox")
	})
}

// row identifies an event in the outbox. Its number alone would not do: SQLite gives that of a removed row to another.
type row struct {
	seq int64
	id  string
}

// take makes this process the one that sends, and returns the oldest events; none if another process sends.
func (r *relay) take() (rows []row, events []shopevent.Event, err error) {
	err = r.journal.store.Update(func(tx durable.Tx) error {
		rows, events = nil, nil
		var unreadable []row
		mine, now := false, r.journal.now().UnixMilli()
		err := tx.Query(func([]driver.Value) error { mine = true; return nil },
			`INSERT INTO relay (id, owner, until) VALUES (1, ?1, ?2)
			ON CONFLICT (id) DO UPDATE SET owner = ?1, until = ?2 WHERE relay.owner = ?1 OR relay.until <= ?3 RETURNING id`,
			r.journal.owner, r.journal.after(relayLease), now)
		if err != nil || !mine {
			return err
		}
		err = tx.Query(func(values []driver.Value) error {
			is := row{values[0].(int64), values[1].(string)}
			e, err := shopevent.Decode(values[2].([]byte))
			if err != nil {
				r.log.Error("event in the outbox is unreadable, it is lost", "event_id", is.id, "error", err)
				unreadable = append(unreadable, is)
				return nil
			}
			rows, events = append(rows, is), append(events, e)
			return nil
		}, "SELECT seq, event_id, event FROM outbox ORDER BY seq LIMIT ?", int64(relayBatch))
		if err != nil {
			return err
		}
		return removeRows(tx, unreadable)
	})
	return rows, events, err
}

// remove removes events that the bus has, and lets another process send.
func (r *relay) remove(sent []row) error {
	return r.journal.store.Update(func(tx durable.Tx) error {
		if err := removeRows(tx, sent); err != nil {
			return err
		}
		_, err := tx.Exec("UPDATE relay SET until = 0 WHERE owner = ?", r.journal.owner)
		return err
	})
}

func removeRows(tx durable.Tx, rows []row) error {
	for _, is := range rows {
		if _, err := tx.Exec("DELETE FROM outbox WHERE seq = ? AND event_id = ?", is.seq, is.id); err != nil {
			return err
		}
	}
	return nil
}
