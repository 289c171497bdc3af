package checkout

import (
	"context"
	"database/sql/driver"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/durable"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// CrashingSetup is Setup with a clock that is ahead by some time, and calls reached at each point where a crash leaves another
// state behind.
func CrashingSetup(ahead time.Duration, reached func(point, user string)) chassis.Setup {
	return func(_ context.Context, rt *chassis.Runtime) error {
		_, err := setup(rt, func() time.Time { return time.Now().Add(ahead) }, reached)
		return err
	}
}

// OpenSetup is Setup with a clock, and passes on how statements are run on the journal's own connection.
func OpenSetup(now func() time.Time, opened func(run func(statement string) error)) chassis.Setup {
	return func(_ context.Context, rt *chassis.Runtime) error {
		s, err := setup(rt, now, nil)
		if err != nil {
			return err
		}
		opened(func(statement string) error {
			return s.journal.store.Each(func(tx durable.Tx) error {
				return tx.Query(func([]driver.Value) error { return nil }, statement)
			})
		})
		return nil
	}
}

// LeaveInterrupted writes what a process leaves in its directory that was killed while it placed an order, or, with
// doubt, that has not got the response of a charge, long ago. It returns the key of the charge.
func LeaveInterrupted(dir, key string, doubt bool, req *hipstershop.PlaceOrderRequest, order *hipstershop.OrderResult) (chargeKey string, err error) {
	past := func() time.Time { return time.Now().Add(-time.Minute) }
	j, err := openJournal("", dir, past, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	defer func() { _ = j.store.Close() }()
	j.owner = uuid.NewString()
	p := &purchase{key: key, request: fingerprintOf(req), user: req.GetUserId(), email: req.GetEmail(), order: order}
	if err := p.name(); err != nil {
		return "", err
	}
	if _, err := j.reserve(p); err != nil || !doubt {
		return p.chargeKey, err
	}
	p.state = doubtful
	_, err = j.save(p, time.Second)
	return p.chargeKey, err
}

// PlaceMany records a number of placed orders.
func PlaceMany(dir string, number int, req *hipstershop.PlaceOrderRequest, order *hipstershop.OrderResult) error {
	j, err := openJournal("", dir, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { _ = j.store.Close() }()
	for n := range number {
		p := &purchase{key: fmt.Sprint("one of many ", n), request: fingerprintOf(req), order: proto.CloneOf(order)}
		if err := p.name(); err != nil {
			return err
		}
		if _, err := j.reserve(p); err != nil {
			return err
		}
		p.state, p.emptied, p.confirmed = placed, true, true
		if _, err := j.save(p, 0); err != nil {
			return err
		}
	}
	return nil
}

// Spoil makes every write fail.
func Spoil(dir string) error {
	j, err := openJournal("", dir, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { _ = j.store.Close() }()
	_, err = j.write("DROP TABLE purchase")
	return err
}

// LeaveOfVersion1 writes an interrupted order into a database as the first version of the journal made it. It returns its id.
func LeaveOfVersion1(dir string, req *hipstershop.PlaceOrderRequest, order *hipstershop.OrderResult) (id string, err error) {
	conn, err := durable.Connect(filepath.Join(dir, "orders.db"), false)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	request, p := fingerprintOf(req), &purchase{key: "k", order: order}
	if err := p.name(); err != nil {
		return "", err
	}
	ordered, err := proto.Marshal(order)
	if err != nil {
		return "", err
	}
	for _, statement := range []string{
		`CREATE TABLE purchase (
			seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, request BLOB NOT NULL, state INTEGER NOT NULL, generation INTEGER NOT NULL,
			owner TEXT NOT NULL, token INTEGER NOT NULL, due INTEGER, tries INTEGER NOT NULL DEFAULT 0, charge_key TEXT NOT NULL,
			transaction_id TEXT NOT NULL DEFAULT '', user_id TEXT NOT NULL, email TEXT NOT NULL, ordered BLOB NOT NULL,
			emptied INTEGER NOT NULL DEFAULT 0, confirmed INTEGER NOT NULL DEFAULT 0
		)`,
		"CREATE INDEX purchase_due ON purchase (due) WHERE due IS NOT NULL",
		"PRAGMA user_version = 1",
	} {
		if _, err := conn.Exec(statement); err != nil {
			return "", err
		}
	}
	_, err = conn.Exec("INSERT INTO purchase (key, request, state, generation, owner, token, due, charge_key, user_id, email, ordered) VALUES ('k', ?, 1, 0, 'gone', 7, 1, ?, 'u', 'e', ?)",
		request[:], p.chargeKey, ordered)
	return p.order.GetOrderId(), err
}
