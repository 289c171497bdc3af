package record

import (
	"context"
	"io"
	"sync"
)

// logLimit bounds the lines that wait to be written. Those beyond it are dropped: a reader that is stopped must not hold up
// requests.
const logLimit = 1 << 20

// Log writes the access log.
type Log struct {
	w    io.Writer
	more chan struct{}

	mu      sync.Mutex
	lines   []byte
	dropped uint64
}

// NewLog returns a log that Run writes to w.
func NewLog(w io.Writer) *Log { return &Log{w: w, more: make(chan struct{}, 1)} }

// Record adds a line.
func (l *Log) Record(e *Entry) {
	l.mu.Lock()
	if len(l.lines) < logLimit {
		l.lines = e.Append(l.lines)
	} else {
		l.dropped++
	}
	l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
}

// Dropped is how many lines were not written.
func (l *Log) Dropped() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dropped
}

// Run writes lines until ctx ends, and then those that are left.
func (l *Log) Run(ctx context.Context) {
	var spare []byte
	for done := false; !done; {
		select {
		case <-l.more:
		case <-ctx.Done():
			done = true
		}
		l.mu.Lock()
		lines := l.lines
		l.lines = spare[:0]
		l.mu.Unlock()
		if len(lines) > 0 {
			_, _ = l.w.Write(lines)
		}
		spare = lines
	}
}
