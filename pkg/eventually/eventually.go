// Package eventually polls, in tests, for what no event announces: that a process is gone, or that another program has
// read something. What announces itself is awaited without it.
package eventually

import "time"

const (
	pause   = 5 * time.Millisecond
	timeout = time.Minute
)

// TB is the part of testing.TB that is needed; scripts of testscript have it too.
type TB interface {
	Fatalf(format string, args ...any)
}

// True returns when ok does, and fails the test if that takes more than a minute. What completes the sentence "waited too
// long until ...".
func True(t TB, what string, ok func() bool) {
	if !Within(timeout, ok) {
		t.Fatalf("waited too long until %s", what)
	}
}

// Within reports whether ok returned true within a time.
func Within(limit time.Duration, ok func() bool) bool {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			return ok()
		}
	}
	return true
}
