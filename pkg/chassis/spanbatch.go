package chassis

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

const (
	// maxBatch is how many spans are sent at once, maxWaiting how many may wait; beyond it they are lost.
	maxBatch   = 512
	maxWaiting = 8192
)

// spanBatcher gathers ended spans and exports them a moment after the first of a batch. Unlike the
// SDK's own batch processor it has no ticker: a service that serves nobody does not wake up for it.
type spanBatcher struct {
	exporter sdktrace.SpanExporter
	delay    time.Duration
	timer    *time.Timer

	mu      sync.Mutex
	waiting []sdktrace.ReadOnlySpan
	closed  bool

	exporting sync.Mutex // held by the one export that is on its way
}

func newSpanBatcher(exporter sdktrace.SpanExporter, delay time.Duration) *spanBatcher {
	b := &spanBatcher{exporter: exporter, delay: delay}
	b.timer = time.AfterFunc(time.Hour, func() { b.export(context.Background()) })
	b.timer.Stop()
	return b
}

// OnStart implements sdktrace.SpanProcessor.
func (b *spanBatcher) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd implements sdktrace.SpanProcessor.
func (b *spanBatcher) OnEnd(s sdktrace.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || len(b.waiting) >= maxWaiting {
		return
	}
	b.waiting = append(b.waiting, s)
	switch len(b.waiting) {
	case 1:
		b.timer.Reset(b.delay)
	case maxBatch:
		b.timer.Reset(0)
	}
}

// export sends all that waits. A failure is told to OpenTelemetry's error handler, as the SDK does.
func (b *spanBatcher) export(ctx context.Context) {
	b.exporting.Lock()
	defer b.exporting.Unlock()
	b.mu.Lock()
	spans := b.waiting
	b.waiting = nil
	b.mu.Unlock()
	for len(spans) > 0 && ctx.Err() == nil {
		n := min(maxBatch, len(spans))
		if err := b.exporter.ExportSpans(ctx, spans[:n]); err != nil {
			otel.Handle(err)
		}
		spans = spans[n:]
	}
}

// ForceFlush implements sdktrace.SpanProcessor.
func (b *spanBatcher) ForceFlush(ctx context.Context) error {
	b.export(ctx)
	return ctx.Err()
}

// Shutdown implements sdktrace.SpanProcessor: it sends what waits, and ends the exporter.
func (b *spanBatcher) Shutdown(ctx context.Context) error {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.timer.Stop()
	b.export(ctx)
	return b.exporter.Shutdown(ctx)
}
