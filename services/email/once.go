package email

import (
	"context"
	"sync"

	"google.golang.org/grpc/status"
)

// once does a thing once for each of the latest names: a second call for a name that is done returns at
// once, one for a name that is being done waits for the first and takes over if that fails.
type once struct {
	mu   sync.Mutex
	busy map[string]chan struct{}
	done map[string]bool
	ring []string // the names in done, the next to forget at oldest
	old  int
}

func newOnce(limit int) *once {
	return &once{busy: map[string]chan struct{}{}, done: map[string]bool{}, ring: make([]string, 0, limit)}
}

// do returns whether the thing was done before, or else the error of doing it.
func (o *once) do(ctx context.Context, name string, thing func() error) (repeated bool, err error) {
	for {
		o.mu.Lock()
		if o.done[name] {
			o.mu.Unlock()
			return true, nil
		}
		other, busy := o.busy[name]
		if !busy {
			o.busy[name] = make(chan struct{})
			o.mu.Unlock()
			return false, o.first(name, thing)
		}
		o.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return false, status.FromContextError(ctx.Err()).Err()
		}
	}
}

func (o *once) first(name string, thing func() error) (err error) {
	succeeded := false
	defer func() { // even if the thing panics
		o.mu.Lock()
		defer o.mu.Unlock()
		close(o.busy[name])
		delete(o.busy, name)
		if succeeded {
			o.rememberLocked(name)
		}
	}()
	err = thing()
	succeeded = err == nil
	return err
}

// remember takes names, the oldest first, as done.
func (o *once) remember(names ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, name := range names {
		o.rememberLocked(name)
	}
}

func (o *once) rememberLocked(name string) {
	switch {
	case o.done[name]:
		return
	case len(o.ring) < cap(o.ring):
		o.ring = append(o.ring, name)
	default:
		delete(o.done, o.ring[o.old])
		o.ring[o.old] = name
		o.old = (o.old + 1) % len(o.ring)
	}
	o.done[name] = true
}
