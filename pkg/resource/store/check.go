package store

import "context"

// Check is asked before a change is made, or in a dry run would be. Its error is returned, and nothing changes.
type Check func(before, after Snapshot) error

type checkKey struct{}

// WithCheck returns a context with which every change is checked. It is for callers that may do less than the user.
func WithCheck(ctx context.Context, check Check) context.Context {
	return context.WithValue(ctx, checkKey{}, check)
}
