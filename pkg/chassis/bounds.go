package chassis

import (
	"context"
	"time"

	"google.golang.org/grpc"
)

// bounds limit how long a call to another service may take.
type bounds struct {
	// fallback is for a call whose caller set no deadline, limit for every call; 0: no bound.
	fallback, limit time.Duration
	// detached calls do not have the deadline and the end of the call that they are made for.
	detached bool
}

// bounds reads the environment: see the package's documentation.
func (rt *Runtime) bounds(fallback time.Duration) (bounds, error) {
	b := bounds{fallback: fallback}
	passes, err := rt.EnvBool("PASS_DEADLINE", true)
	if err != nil {
		return b, err
	}
	b.detached = !passes
	if rt.o.Getenv("CALL_TIMEOUT") == "" {
		return b, nil
	}
	b.fallback = 0
	b.limit, err = rt.EnvDuration("CALL_TIMEOUT", 0)
	return b, err
}

// unary bounds a call. Streams last as long as their context.
func (b bounds) unary(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if b.detached {
		ctx = context.WithoutCancel(ctx)
	}
	bound := b.limit
	if _, ok := ctx.Deadline(); !ok && bound == 0 {
		bound = b.fallback
	}
	if bound > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, bound) // the nearer deadline wins
		defer cancel()
	}
	return invoke(ctx, method, req, reply, cc, opts...)
}
