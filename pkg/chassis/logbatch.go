package chassis

import (
	"io"
	"sync"
	"time"
)

const (
	// defaultBatchDelay is how long a log line may wait for others, to be written with them.
	defaultBatchDelay = 20 * time.Millisecond
	// maxBatchBytes is how many bytes may wait.
	maxBatchBytes = 16 << 10
)

// lineBatcher writes lines in batches: under load, a write for each line would cost a service, and the daemon that reads
// it, more than the line itself. An idle service sets no timer.
type lineBatcher struct {
	mu      sync.Mutex
	to      io.Writer
	delay   time.Duration
	waiting []byte
	timer   *time.Timer
}

func newLineBatcher(to io.Writer, delay time.Duration) *lineBatcher {
	return &lineBatcher{to: to, delay: delay}
}

// Write adds a whole line. It never fails: an error could not be logged anywhere.
func (b *lineBatcher) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first := len(b.waiting) == 0
	b.waiting = append(b.waiting, line...)
	switch {
	case len(b.waiting) >= maxBatchBytes || b.delay <= 0:
		b.flush()
	case first && b.timer == nil:
		b.timer = time.AfterFunc(b.delay, b.Flush)
	case first:
		b.timer.Reset(b.delay)
	}
	return len(line), nil
}

// Flush writes the lines that wait.
func (b *lineBatcher) Flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flush()
}

func (b *lineBatcher) flush() {
	if len(b.waiting) > 0 {
		_, _ = b.to.Write(b.waiting)
		b.waiting = b.waiting[:0]
	}
}

// Close writes the lines that wait and stops the timer.
func (b *lineBatcher) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flush()
	if b.timer != nil {
		b.timer.Stop()
	}
}
