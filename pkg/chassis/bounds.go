package chassis

import (
	"context"
	"time"

	"google.golang.org/grpc"
)

// bounds say how long a call to a neighbour may take.
type bounds struct {
	// fallback is for a call whose caller set no deadline, most for every call; 0: no bound.
	fallback, most time.Duration
	// forgetful lets calls go out without the deadline of the call that they are made for.
	forgetful bool
}

// bounds reads the environment: see the package's documentation.
func (rt *Runtime) bounds(fallback time.Duration) (bounds, error) {
	b := bounds{fallback: fallback}
	passes, err := rt.EnvBool("PASS_DEADLINE", true)
	if err != nil {
		return b, err
	}
	b.forgetful = !passes
	if rt.o.Getenv("CALL_TIMEOUT") == "" {
		return b, nil
	}
	b.fallback = 0
	b.most, err = rt.EnvDuration("CALL_TIMEOUT", 0)
	return b, err
}

// unary bounds a call. Streams live as long as their context says.
func (b bounds) unary(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if b.forgetful {
		ctx = context.WithoutCancel(ctx)
	}
	bound := b.most
	if _, ok := ctx.Deadline(); !ok && bound == 0 {
		bound = b.fallback
	}
	if bound > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, bound) // the nearer deadline holds
		defer cancel()
	}
	return invoke(ctx, method, req, reply, cc, opts...)
}
