package inproc

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// RetryPolicy is that of a gRPC service config (gRFC A6), for calls that end with UNAVAILABLE.
type RetryPolicy struct {
	Methods              []string // full names
	MaxAttempts          int
	FirstPause, MaxPause time.Duration
	// MaxTokens and TokenRatio are the budget: a failure costs a token, a success returns the ratio, and calls are
	// retried while more than half of the tokens are left.
	MaxTokens, TokenRatio float64
}

type retrier struct {
	policy RetryPolicy
	mu     sync.Mutex
	tokens float64
}

func newRetrier(p RetryPolicy) *retrier { return &retrier{policy: p, tokens: p.MaxTokens} }

// again reports whether the nth attempt at a call, which ended with err, is to be followed by another.
func (r *retrier) again(method string, n int, err error) bool {
	if !slices.Contains(r.policy.Methods, method) {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch status.Code(err) {
	case codes.OK:
		r.tokens = min(r.policy.MaxTokens, r.tokens+r.policy.TokenRatio)
		return false
	case codes.Unavailable:
		r.tokens = max(0, r.tokens-1)
		return n < r.policy.MaxAttempts && r.tokens > r.policy.MaxTokens/2
	}
	return false
}

// pause waits before the attempt after the nth.
func (r *retrier) pause(ctx context.Context, n int) error {
	most := min(r.policy.MaxPause, r.policy.FirstPause<<(n-1))
	timer := time.NewTimer(time.Duration(float64(most) * (0.8 + 0.4*rand.Float64())))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}
