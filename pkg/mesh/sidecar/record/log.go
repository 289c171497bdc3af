package record

import (
	"context"
	"io"
	"sync"
	"time"
)

// logLimit bounds the lines that wait to be written. Those beyond it are dropped: a reader that is stopped must not hold up
// requests.
const logLimit = 1 << 20

// logPause is how long lines are collected. Each write costs a system call, and waking the writer for each request would cost
// the request.
const logPause = 20 * time.Millisecond

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
	first := len(l.lines) == 0
	if len(l.lines) < logLimit {
		l.lines = e.Append(l.lines)
	} else {
		l.dropped++
	}
	l.mu.Unlock()
	if !first {
		return // it will be written with the line before
	}
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
			done = !pause(ctx, logPause)
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

// pause waits, and reports false if ctx ends before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
