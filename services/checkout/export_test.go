package checkout

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// LeaveInterrupted writes what a process leaves in its directory that was killed while it placed an order, or, with
// doubt, that has not got the response of a charge, long ago. It returns the key of the charge.
func LeaveInterrupted(dir, key string, doubt bool, req *hipstershop.PlaceOrderRequest, order *hipstershop.OrderResult) (chargeKey string, err error) {
	past := func() time.Time { return time.Now().Add(-time.Minute) }
	j, err := openJournal(dir, past, slog.New(slog.DiscardHandler))
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
	j, err := openJournal(dir, time.Now, slog.New(slog.DiscardHandler))
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
	j, err := openJournal(dir, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { _ = j.store.Close() }()
	_, err = j.write("DROP TABLE purchase")
	return err
}
