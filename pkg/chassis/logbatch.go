package chassis

import (
	"io"
	"sync"
	"time"
)

const (
	// defaultGather is how long a log line may wait for others to go out with it.
	defaultGather = 20 * time.Millisecond
	// gatherMost is how many bytes may wait.
	gatherMost = 16 << 10
)

// lineBatcher writes lines together: under load, a write for each line would cost a service and the
// daemon that reads it more than the line itself. An idle service sets no timer.
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

// Write takes a whole line. It never fails: a line that cannot be written has nowhere to complain.
func (g *lineBatcher) Write(line []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	first := len(g.waiting) == 0
	g.waiting = append(g.waiting, line...)
	switch {
	case len(g.waiting) >= gatherMost || g.delay <= 0:
		g.flush()
	case first && g.timer == nil:
		g.timer = time.AfterFunc(g.delay, g.Flush)
	case first:
		g.timer.Reset(g.delay)
	}
	return len(line), nil
}

// Flush writes what waits.
func (g *lineBatcher) Flush() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.flush()
}

func (g *lineBatcher) flush() {
	if len(g.waiting) > 0 {
		_, _ = g.to.Write(g.waiting)
		g.waiting = g.waiting[:0]
	}
}

// Close writes what waits and ends the timer.
func (g *lineBatcher) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.flush()
	if g.timer != nil {
		g.timer.Stop()
	}
}
