package control

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/rundir"
)

// frozenInterval is how often a call that gets no response checks whether the daemon is stopped.
const frozenInterval = 500 * time.Millisecond

// frozen watches the daemon of dir while calls wait for it: one that is stopped accepts connections and never responds.
type frozen struct{ dir rundir.Dir }

// err is the error of a daemon that is stopped; nil if it is not.
func (f frozen) err() error {
	pid, alive := f.dir.Holder()
	if !alive || !rundir.Stopped(pid) {
		return nil
	}
	return Error(codes.Unavailable, fmt.Sprintf("the daemon of shop %q (pid %d) is stopped and does not respond", f.dir.Name, pid),
		fmt.Sprintf("let it continue: kill -CONT %d; or end it: kill -9 %d", pid, pid), environmentExit)
}

// watch returns a context that ends when the daemon is found stopped, and what the result of a call is then.
func (f frozen) watch(ctx context.Context) (context.Context, func(error) error) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(frozenInterval)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := f.err(); err != nil {
					cancel(err)
					return
				}
			}
		}
	}()
	return ctx, func(err error) error {
		cause := context.Cause(ctx)
		cancel(nil)
		<-done
		if _, _, stopped := HintOf(cause); err != nil && stopped {
			return cause
		}
		if status.Code(err) == codes.Unavailable {
			if stopped := f.err(); stopped != nil {
				return stopped
			}
		}
		return err
	}
}

// stream is the interceptor of streams, which may be silent for long: it checks the daemon before.
func (f frozen) stream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return open(ctx, desc, cc, method, opts...)
}

// unary is the interceptor of calls with one response.
func (f frozen) unary(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	ctx, result := f.watch(ctx)
	return result(invoke(ctx, method, req, reply, cc, opts...))
}
