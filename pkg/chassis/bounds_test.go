package chassis_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

func TestTheEnvironmentBoundsCallsAndMayForgetTheCallersDeadline(t *testing.T) {
	const none = -1
	for name, c := range map[string]struct {
		env    map[string]string
		caller time.Duration // the deadline of the call that comes in; 0: none
		want   time.Duration // at most; none: no deadline
	}{
		"by default, five seconds":             {nil, 0, 5 * time.Second},
		"by default, the caller's":             {nil, time.Minute, time.Minute},
		"a bound of its own, nearer":           {map[string]string{"CALL_TIMEOUT": "20s"}, time.Minute, 20 * time.Second},
		"a bound of its own, and a nearer one": {map[string]string{"CALL_TIMEOUT": "20s"}, 10 * time.Second, 10 * time.Second},
		"no bound":                             {map[string]string{"CALL_TIMEOUT": "0"}, 0, none},
		"no bound, and the caller's":           {map[string]string{"CALL_TIMEOUT": "0"}, time.Minute, time.Minute},
		"forgotten":                            {map[string]string{"PASS_DEADLINE": "false"}, time.Minute, 5 * time.Second},
		"forgotten, and no bound":              {map[string]string{"PASS_DEADLINE": "false", "CALL_TIMEOUT": "0"}, time.Minute, none},
	} {
		t.Run(name, func(t *testing.T) {
			left := make(chan time.Duration, 1)
			back := chassistest.Start(t, serving(func(ctx context.Context, _ *pb.AdRequest) (*pb.AdResponse, error) {
				if d, ok := ctx.Deadline(); ok {
					left <- time.Until(d)
				} else {
					left <- none
				}
				return &pb.AdResponse{}, nil
			}), nil)
			env := map[string]string{"AD_SERVICE_ADDR": back.Addr}
			for k, v := range c.env {
				env[k] = v
			}
			front := chassistest.Start(t, relay(), env)
			ctx := t.Context()
			if c.caller > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, c.caller)
				defer cancel()
			}
			if err := get(t, ctx, front); err != nil {
				t.Fatal(err)
			}
			if d := <-left; (d == none) != (c.want == none) || d > c.want {
				t.Errorf("the dependency has %v left, want at most %v", d, c.want)
			}
		})
	}
}

func TestAServiceThatIgnoresItsContextWorksOnAfterTheCallerHasGone(t *testing.T) {
	release, ended := make(chan struct{}), make(chan error, 1)
	back := chassistest.Start(t, serving(func(ctx context.Context, _ *pb.AdRequest) (*pb.AdResponse, error) {
		<-release
		ended <- ctx.Err()
		return &pb.AdResponse{}, nil
	}), nil)
	front := chassistest.Start(t, relay(), map[string]string{"AD_SERVICE_ADDR": back.Addr, "PASS_DEADLINE": "false", "CALL_TIMEOUT": "0"})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := get(t, ctx, front); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("the caller got %v, want DEADLINE_EXCEEDED", err)
	}
	close(release)
	if err := <-ended; err != nil {
		t.Errorf("the dependency's call ended: %v", err)
	}
}
