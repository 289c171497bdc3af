package checkout

import (
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

const (
	// listDefault and listMost are how many orders a list has, if its request does not say, and at most.
	listDefault, listMost = 20, 500
	// maxReason is how much of a reason is kept, in bytes.
	maxReason = 200
)

// orders implements shopctl.shop.v1.Orders.
type orders struct {
	shopv1.UnimplementedOrdersServer
	server *server
}

// GetOrder returns an order with its steps.
func (o orders) GetOrder(_ context.Context, in *shopv1.GetOrderRequest) (*shopv1.Order, error) {
	p, err := o.find(in.GetOrderId())
	if err != nil {
		return nil, err
	}
	return o.message(p), nil
}

// ListOrders returns the newest orders.
func (o orders) ListOrders(_ context.Context, in *shopv1.ListOrdersRequest) (*shopv1.ListOrdersResponse, error) {
	limit := in.GetLimit()
	switch {
	case limit < 0 || limit > listMost:
		return nil, status.Errorf(codes.InvalidArgument, "limit is %d, want 0 to %d", limit, listMost)
	case limit == 0:
		limit = listDefault
	}
	condition := "seq > 0"
	if in.GetOpen() {
		condition = "(due IS NOT NULL OR state = 6)"
	}
	all, err := o.server.journal.query(condition+" ORDER BY seq DESC LIMIT ?", int64(limit))
	if err != nil {
		return nil, unreadable(err)
	}
	resp := &shopv1.ListOrdersResponse{}
	for _, p := range all {
		resp.Orders = append(resp.Orders, o.message(p))
	}
	return resp, nil
}

// RetryOrder does what is left to do of an order.
func (o orders) RetryOrder(ctx context.Context, in *shopv1.RetryOrderRequest) (*shopv1.Order, error) {
	return o.byHand(ctx, in.GetOrderId(), in.GetReason(), func(p *purchase) error {
		if p.state == failed || p.state == placed && p.left() == 0 {
			return status.Errorf(codes.FailedPrecondition, "order %s has ended: nothing is left to do", p.order.GetOrderId())
		}
		return nil
	}, func(p *purchase, reason string) {
		p.tries = 0
		o.note(p, byRetry, reason)
	})
}

// CancelOrder takes back what was done of an order.
func (o orders) CancelOrder(ctx context.Context, in *shopv1.CancelOrderRequest) (*shopv1.Order, error) {
	return o.byHand(ctx, in.GetOrderId(), in.GetReason(), func(p *purchase) error {
		switch {
		case p.state == failed:
			return status.Errorf(codes.FailedPrecondition, "order %s has failed: nothing of it stands", p.order.GetOrderId())
		case p.state == placed:
			return status.Errorf(codes.FailedPrecondition, "order %s is paid and shipped: it is not taken back any more", p.order.GetOrderId())
		case in.GetClose() && p.state != stuck:
			return status.Errorf(codes.FailedPrecondition, "order %s is not stuck: cancel it without closing it", p.order.GetOrderId())
		}
		return nil
	}, func(p *purchase, reason string) {
		o.note(p, byCancel, reason)
		p.state, p.closing, p.tries = refunding, in.GetClose(), 0
	})
}

func (o orders) note(p *purchase, name, reason string) {
	now := o.server.journal.now()
	p.history.add(name, now, now, nil, reason)
}

// byHand begins to settle an order at once, if it may be.
func (o orders) byHand(ctx context.Context, id, reason string, allow func(*purchase) error, begin func(p *purchase, reason string)) (*shopv1.Order, error) {
	if reason = strings.TrimSpace(reason); reason == "" || len(reason) > maxReason || strings.ContainsFunc(reason, isControl) {
		return nil, status.Errorf(codes.InvalidArgument, "reason is missing, or not one line of at most %d bytes", maxReason)
	}
	p, err := o.find(id)
	if err != nil {
		return nil, err
	}
	s := o.server
	if s.journal.held(p) {
		return nil, status.Errorf(codes.Aborted, "a replica works on order %s: look again in some seconds", id)
	}
	if err := allow(p); err != nil {
		return nil, err
	}
	defer s.journal.release(p)
	switch mine, err := s.journal.claim(p); { // only as it was found
	case err != nil:
		return nil, unreadable(err)
	case !mine:
		return nil, status.Errorf(codes.Aborted, "another replica works on order %s: look again in some seconds", id)
	}
	begin(p, reason)
	if err := s.settleMine(ctx, p); err != nil {
		s.log.InfoContext(ctx, "order not settled by hand", "order_id", id, "error", err)
	}
	return o.GetOrder(ctx, &shopv1.GetOrderRequest{OrderId: id})
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// errNoOrder is returned for an order that is not in the journal.
var errNoOrder = errors.New("no such order")

func (o orders) find(id string) (*purchase, error) {
	if id == "" {
		return nil, status.Error(codes.InvalidArgument, "order_id is missing")
	}
	all, err := o.server.journal.query("order_id = ? ORDER BY seq DESC LIMIT 1", id)
	switch {
	case err != nil:
		return nil, unreadable(err)
	case len(all) == 0:
		return nil, status.Errorf(codes.NotFound, "%v: %q was never begun, or is not among the latest %d", errNoOrder, id, keepPurchases)
	}
	if err := o.server.journal.readHistory(all[0]); err != nil {
		return nil, unreadable(err)
	}
	return all[0], nil
}

func unreadable(err error) error {
	return status.Errorf(codes.Unavailable, "the journal of orders: %v", err)
}

func (o orders) message(p *purchase) *shopv1.Order {
	j := o.server.journal
	m := &shopv1.Order{
		OrderId: p.order.GetOrderId(), State: p.stateNow(), TransactionId: p.transaction, TrackingId: p.order.GetShippingTrackingId(), TraceId: p.trace,
		Created: timeOf(p.created), Updated: timeOf(p.updated), Deadline: timeOf(p.deadline), StepsLeft: p.stepsLeft(),
	}
	if total, err := sum(p.order); err == nil {
		m.Total = total
	}
	switch {
	case j.held(p):
		m.Owner = p.owner
	case p.due > 0:
		m.NextAttempt = timeOf(p.due)
	}
	p.history.mu.Lock()
	defer p.history.mu.Unlock()
	for _, e := range p.history.entries {
		m.Steps = append(m.Steps, &shopv1.Step{
			Name: e.name, Kind: kindOf(e.name), Attempts: int32(e.attempts), Failed: e.failed, Detail: e.detail,
			Started: timestamppb.New(time.UnixMicro(e.started)), Ended: timestamppb.New(time.UnixMicro(e.ended)),
		})
	}
	return m
}

// timeOf is a time of the journal; nil where it has none.
func timeOf(ms int64) *timestamppb.Timestamp {
	if ms == 0 {
		return nil
	}
	return timestamppb.New(time.UnixMilli(ms))
}

func (p *purchase) stateNow() shopv1.OrderState {
	switch p.state {
	case charging:
		return shopv1.OrderState_RUNNING
	case doubtful:
		return shopv1.OrderState_IN_DOUBT
	case refunding:
		return shopv1.OrderState_COMPENSATING
	case placed:
		if p.left() > 0 {
			return shopv1.OrderState_PLACED
		}
		return shopv1.OrderState_COMPLETED
	case failed:
		return shopv1.OrderState_FAILED
	case stuck:
		return shopv1.OrderState_STUCK
	}
	return shopv1.OrderState_ORDER_STATE_UNSPECIFIED
}

// stepsLeft are the steps that have not succeeded of an order that goes forward.
func (p *purchase) stepsLeft() (left []string) {
	if p.state != charging && p.state != placed {
		return nil
	}
	p.history.mu.Lock()
	defer p.history.mu.Unlock()
	done := map[string]bool{}
	for _, e := range p.history.entries {
		if e.name == doReserve { // a new attempt
			done = map[string]bool{}
		}
		done[e.name] = done[e.name] || !e.failed
	}
	if p.state == placed { // also where the charge was found in payment's ledger and not made again
		done[doReserve], done[doCharge], done[doShip] = true, true, true
	}
	done[doEmpty], done[doConfirm] = done[doEmpty] || p.emptied, done[doConfirm] || p.confirmed
	for _, name := range steps() {
		if !done[name] {
			left = append(left, name)
		}
	}
	return left
}
