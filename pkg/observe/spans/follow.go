package spans

import (
	"context"
	"slices"
	"time"

	"github.com/shopctl/shopctl/pkg/trace"
)

const (
	// settled is how long no spans of a trace must arrive before it is complete: services send their
	// spans up to 200 ms after they ended.
	settled = 400 * time.Millisecond
	// maxFollow bounds the wait for a trace that does not end.
	maxFollow = 10 * time.Second
	// followPause is how often traces that may have settled are checked.
	followPause = 100 * time.Millisecond
)

// completed is when a trace is taken to be complete: its root has come, and no span after it for a while. One whose root does
// not come is complete when nothing has come for long.
func (e *entry) completed() time.Time {
	if e.rooted {
		return e.touched.Add(settled)
	}
	return e.touched.Add(maxFollow)
}

// Completed returns the traces that were completed after one time and until another. One that gets more spans later is
// completed again.
func (s *Store) Completed(after, until time.Time) (ids []trace.ID) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, e := range s.order {
		if at := e.completed(); at.After(after) && !at.After(until) {
			ids = append(ids, e.id)
		}
	}
	return ids
}

// Gather waits until the traces are complete that had begun to come by now, but no longer than most. Traces that do not get
// their root are not waited for.
func (s *Store) Gather(ctx context.Context, most time.Duration) {
	begun := s.Begun()
	end := s.cfg.Now().Add(most)
	for {
		left := s.growing(begun)
		if left = min(left, end.Sub(s.cfg.Now())); left <= 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(left):
		}
	}
}

// growing is how long the last of the first traces still needs at least to be complete; 0: all are.
func (s *Store) growing(number uint64) (left time.Duration) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	now := s.cfg.Now()
	for _, e := range s.order {
		if e.number <= number && now.Sub(e.came) < maxFollow {
			left = max(left, e.touched.Add(settled).Sub(now))
		}
	}
	return left
}

// Begun is how many traces have begun to come.
func (s *Store) Begun() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.begun
}

// Follow sends each trace that matches and that begins to come after so many others, once it is whole. It
// returns when ctx ends or send fails.
func (s *Store) Follow(ctx context.Context, f Filter, last uint64, send func(Summary) error) error {
	var waiting []*entry
	for ctx.Err() == nil {
		begun, changed := s.begunAfter(last)
		if len(begun) > 0 {
			last = begun[0].number
		}
		waiting = append(waiting, begun...)
		var whole []Summary
		whole, waiting = s.whole(waiting, f)
		for _, sum := range whole {
			if err := send(sum); err != nil {
				return err
			}
		}
		var pause <-chan time.Time
		if len(waiting) > 0 {
			pause, changed = time.After(followPause), nil
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-pause:
		}
	}
	return nil
}

// begunAfter returns the traces that began after the one with that number, newest first, and a channel that is closed
// when spans arrive.
func (s *Store) begunAfter(number uint64) (begun []*entry, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.order) - 1; i >= 0 && s.order[i].number > number; i-- {
		begun = append(begun, s.order[i])
	}
	return begun, s.changed.Wait()
}

// whole removes traces from waiting: those that are settled or have waited long enough are returned, evicted ones dropped.
func (s *Store) whole(waiting []*entry, f Filter) (whole []Summary, rest []*entry) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	now := s.cfg.Now()
	m := s.matcher(f)
	rest = slices.DeleteFunc(waiting, func(e *entry) bool {
		if e.gone {
			return true
		}
		if e.completed().After(now) && now.Sub(e.came) < maxFollow {
			return false
		}
		if m.matches(e) {
			whole = append(whole, s.summary(e))
		}
		return true
	})
	return whole, rest
}

// Settle waits until a trace is complete, but no longer than most.
func (s *Store) Settle(ctx context.Context, id trace.ID, most time.Duration) {
	end := s.cfg.Now().Add(most)
	for {
		s.mu.Lock()
		now := s.cfg.Now()
		left := end.Sub(now)
		if e := s.traces[id]; e != nil {
			left = min(left, e.completed().Sub(now))
		}
		changed := s.changed.Wait()
		s.mu.Unlock()
		if left <= 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-time.After(left):
		}
	}
}
