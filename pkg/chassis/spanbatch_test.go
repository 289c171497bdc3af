package chassis

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// batches notes how many spans came at once, and when.
type batches struct {
	mu    sync.Mutex
	begin time.Time
	sizes []int
	at    []time.Duration
}

func (b *batches) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sizes = append(b.sizes, len(spans))
	b.at = append(b.at, time.Since(b.begin))
	return nil
}

func (b *batches) Shutdown(context.Context) error { return nil }

func TestSpansAreSentAMomentAfterTheFirstOfABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &batches{begin: time.Now()}
		provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(newSpanBatcher(out, 200*time.Millisecond)))
		end := func(n int) {
			for range n {
				_, span := provider.Tracer("t").Start(t.Context(), "s")
				span.End()
			}
		}
		time.Sleep(time.Second)
		end(2)
		time.Sleep(100 * time.Millisecond)
		end(1)
		time.Sleep(time.Second)
		end(maxBatch + 10)
		synctest.Wait()
		time.Sleep(10 * time.Millisecond)
		end(3)
		if err := provider.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		total := 0
		for _, n := range out.sizes {
			total += n
		}
		if out.sizes[0] != 3 || out.at[0] != 1200*time.Millisecond || total != 3+maxBatch+13 || slices.Max(out.sizes) > maxBatch {
			t.Errorf("batches %v at %v", out.sizes, out.at)
		}
	})
}
