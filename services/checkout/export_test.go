package checkout

import (
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// LeaveInterrupted writes what a process leaves in its directory that was killed while it placed an order, or, with
// doubt, that has not got the response of a charge, long ago.
func LeaveInterrupted(dir, key string, doubt bool, req *hipstershop.PlaceOrderRequest, order *hipstershop.OrderResult) error {
	past := func() time.Time { return time.Now().Add(-time.Minute) }
	j, err := openJournal(dir, past, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { _ = j.store.Close() }()
	j.owner = uuid.NewString()
	p := &purchase{key: key, request: fingerprintOf(req), user: req.GetUserId(), email: req.GetEmail(), order: order}
	if err := p.name(); err != nil {
		return err
	}
	if _, err := j.reserve(p); err != nil || !doubt {
		return err
	}
	p.state = doubtful
	_, err = j.save(p, time.Second)
	return err
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
