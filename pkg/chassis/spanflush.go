package chassis

import (
	"context"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// promptBatcher makes the SDK's batch processor export soon after a span has ended, and sleep while there is none. The
// processor alone exports by a ticking timer: ticking often enough for a live screen, it would wake every idle service
// several times a second.
type promptBatcher struct {
	sdktrace.SpanProcessor // the SDK's batch processor
	delay                  time.Duration

	mu    sync.Mutex
	state flushState
	timer *time.Timer // that of flushDue
	// flushes counts the flush that is due or running.
	flushes sync.WaitGroup
}

// flushState is what happens to the spans that have ended.
type flushState int

const (
	flushIdle         flushState = iota // there are none
	flushDue                            // the timer runs
	flushRunning                        // they are being exported
	flushRunningAgain                   // and others have ended since that began
	flushClosed
)

func newPromptBatcher(batcher sdktrace.SpanProcessor, delay time.Duration) *promptBatcher {
	return &promptBatcher{SpanProcessor: batcher, delay: delay}
}

// OnEnd queues the span and makes sure that a flush follows.
func (p *promptBatcher) OnEnd(span sdktrace.ReadOnlySpan) {
	p.SpanProcessor.OnEnd(span)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch p.state {
	case flushIdle:
		p.schedule()
	case flushRunning:
		p.state = flushRunningAgain
	case flushDue, flushRunningAgain, flushClosed:
	}
}

// schedule starts the timer. The caller holds mu.
func (p *promptBatcher) schedule() {
	p.state = flushDue
	p.flushes.Add(1)
	p.timer = time.AfterFunc(p.delay, p.flush)
}

// flush exports what has ended, in one or more batches.
func (p *promptBatcher) flush() {
	defer p.flushes.Done()
	p.mu.Lock()
	if p.state == flushClosed {
		p.mu.Unlock()
		return
	}
	p.state = flushRunning
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	_ = p.ForceFlush(ctx) // the exporter has retried; what it could not send is lost, as with the processor's own timer
	p.mu.Lock()
	defer p.mu.Unlock()
	switch p.state {
	case flushRunning:
		p.state = flushIdle
	case flushRunningAgain:
		p.schedule()
	case flushIdle, flushDue, flushClosed:
	}
}

// Shutdown exports what is left and waits for a flush that is under way.
func (p *promptBatcher) Shutdown(ctx context.Context) error {
	p.mu.Lock()
	if p.state == flushDue && p.timer.Stop() {
		p.flushes.Done()
	}
	p.state = flushClosed
	p.mu.Unlock()
	err := p.SpanProcessor.Shutdown(ctx)
	p.flushes.Wait()
	return err
}
