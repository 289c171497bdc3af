// Package broadcast wakes any number of waiting goroutines when something has changed.
//
// A [Signal] carries no data. A reader takes the channel first, then looks at the state that the signal guards,
// and waits for the channel only afterwards: a change between the two is then never missed.
package broadcast

import "sync"

// Signal is a level-triggered wake-up for many readers. The zero value is ready to use; it must not be copied.
type Signal struct {
	mu sync.Mutex
	ch chan struct{}
}

// Wait returns a channel that is closed by the next Notify.
func (s *Signal) Wait() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

// Notify wakes everyone who took a channel from Wait since the last Notify.
func (s *Signal) Notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}
