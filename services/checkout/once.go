package checkout

import (
	"context"
	"hash/maphash"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shoperr"
)

// rememberOrders is how many orders with a key are remembered, about a kilobyte each.
const rememberOrders = 2048

// once places one order for each key. Calls with a key that is under way wait for it and get what it
// gets; a key whose order was placed gets that order again; one whose order failed may try again.
type once struct {
	seed maphash.Seed

	mu     sync.Mutex
	orders map[string]*attempt // under way or placed
	placed []string            // keys of those placed, the next to forget at oldest
	oldest int
}

// attempt is one order under way, or placed.
type attempt struct {
	request uint64        // fingerprint
	done    chan struct{} // closed once the rest holds
	resp    *hipstershop.PlaceOrderResponse
	err     error
}

func newOnce(limit int) *once {
	return &once{seed: maphash.MakeSeed(), orders: map[string]*attempt{}, placed: make([]string, 0, limit)}
}

// errKeyReused refuses to give one caller's order to another, or an old order for a new request.
func errKeyReused() error {
	return refuse(codes.InvalidArgument, shoperr.IdempotencyKeyReused, chassis.IdempotencyKey+" was used before, for another order")
}

// do returns the order of a key, placed by place if this call is the first.
func (o *once) do(ctx context.Context, key string, req *hipstershop.PlaceOrderRequest, place func() (*hipstershop.PlaceOrderResponse, error)) (*hipstershop.PlaceOrderResponse, error) {
	request := o.fingerprint(req)
	for {
		a, first := o.join(key, request)
		if first {
			return o.run(key, a, place)
		}
		if a.request != request {
			return nil, errKeyReused()
		}
		select {
		case <-a.done:
		case <-ctx.Done():
			return nil, status.FromContextError(ctx.Err()).Err()
		}
		// The first caller's own impatience is not the answer for others.
		if code := status.Code(a.err); code == codes.Canceled || code == codes.DeadlineExceeded {
			continue
		}
		return a.resp, a.err
	}
}

// join returns the attempt for a key, and whether the caller is the one to make it.
func (o *once) join(key string, request uint64) (a *attempt, first bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if a, ok := o.orders[key]; ok {
		return a, false
	}
	a = &attempt{request: request, done: make(chan struct{}), err: status.Error(codes.Internal, "internal error")}
	o.orders[key] = a
	return a, true
}

func (o *once) run(key string, a *attempt, place func() (*hipstershop.PlaceOrderResponse, error)) (*hipstershop.PlaceOrderResponse, error) {
	defer func() { // also when place panics; then the error is the one that join set
		o.mu.Lock()
		defer o.mu.Unlock()
		close(a.done)
		if a.err != nil {
			delete(o.orders, key)
			return
		}
		o.remember(key)
	}()
	a.resp, a.err = place()
	return a.resp, a.err
}

// remember keeps a placed order's key and forgets the oldest beyond the limit.
func (o *once) remember(key string) {
	if len(o.placed) < cap(o.placed) {
		o.placed = append(o.placed, key)
		return
	}
	delete(o.orders, o.placed[o.oldest])
	o.placed[o.oldest] = key
	o.oldest = (o.oldest + 1) % len(o.placed)
}

// fingerprint tells requests apart without keeping them; a card number is not to be found in memory for
// longer than its order takes. The seed is this process's own.
func (o *once) fingerprint(req *hipstershop.PlaceOrderRequest) uint64 {
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(req)
	if err != nil {
		return 0 // cannot be: the request came over the wire
	}
	return maphash.Bytes(o.seed, wire)
}
