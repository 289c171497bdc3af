package chassis

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// recordingExporter records the names of the spans of each batch, and when they came.
type recordingExporter struct {
	began time.Time

	mu      sync.Mutex
	batches [][]string
	at      []time.Duration
}

func (e *recordingExporter) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.batches, e.at = append(e.batches, spanNames(spans)), append(e.at, time.Since(e.began))
	return nil
}

func (e *recordingExporter) Shutdown(context.Context) error { return nil }

func (e *recordingExporter) expect(t *testing.T, batches [][]string, at ...time.Duration) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if diff := cmp.Diff(batches, e.batches); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
	if !slices.Equal(at, e.at) {
		t.Errorf("exported after %v, want %v", e.at, at)
	}
}

// gatedExporter hands over the names of each batch, and holds the export up until it is released.
type gatedExporter struct {
	exporting chan []string
	release   chan struct{}
}

func (e *gatedExporter) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	e.exporting <- spanNames(spans)
	<-e.release
	return nil
}

func (e *gatedExporter) Shutdown(context.Context) error { return nil }

// expect waits for a batch, runs f while it is exported, and lets the export end.
func (e *gatedExporter) expect(t *testing.T, want []string, f func()) {
	t.Helper()
	if got := <-e.exporting; !slices.Equal(got, want) {
		t.Errorf("a batch of %q is exported, want %q", got, want)
	}
	f()
	e.release <- struct{}{}
}

func spanNames(spans []sdktrace.ReadOnlySpan) []string {
	var names []string
	for _, s := range spans {
		names = append(names, s.Name())
	}
	return names
}

// promptProvider has a batch processor that would export by itself only after an hour.
func promptProvider(e sdktrace.SpanExporter, delay time.Duration) *sdktrace.TracerProvider {
	batcher := sdktrace.NewBatchSpanProcessor(e, sdktrace.WithBatchTimeout(time.Hour))
	return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(newPromptBatcher(batcher, delay)))
}

func end(provider *sdktrace.TracerProvider, names ...string) {
	for _, name := range names {
		_, span := provider.Tracer("test").Start(context.Background(), name)
		span.End()
	}
}

func TestSpansAreExportedTogetherSoonAfterTheFirstEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &recordingExporter{began: time.Now()}
		provider := promptProvider(e, 200*time.Millisecond)
		end(provider, "a")
		time.Sleep(150 * time.Millisecond)
		end(provider, "b", "c")
		time.Sleep(10 * time.Minute)
		end(provider, "d")
		time.Sleep(time.Second)
		e.expect(t, [][]string{{"a", "b", "c"}, {"d"}}, 200*time.Millisecond, 10*time.Minute+350*time.Millisecond)
		if err := provider.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestShutdownBeforeAFlushIsDueExportsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &recordingExporter{began: time.Now()}
		provider := promptProvider(e, 200*time.Millisecond)
		end(provider, "a")
		if err := provider.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		end(provider, "too late")
		time.Sleep(time.Minute)
		e.expect(t, [][]string{{"a"}}, 0)
	})
}

func TestSpansThatEndDuringAnExportFollowInTheNext(t *testing.T) {
	e := &gatedExporter{exporting: make(chan []string), release: make(chan struct{})}
	provider := promptProvider(e, time.Millisecond)
	end(provider, "a")
	e.expect(t, []string{"a"}, func() { end(provider, "b") })
	e.expect(t, []string{"b"}, func() {})
	if err := provider.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestShutdownDuringAnExportSendsTheRestAndLeavesNoFlush(t *testing.T) {
	e := &gatedExporter{exporting: make(chan []string), release: make(chan struct{})}
	provider := promptProvider(e, time.Millisecond)
	end(provider, "a")
	down := make(chan error, 1)
	e.expect(t, []string{"a"}, func() {
		end(provider, "b")
		go func() { down <- provider.Shutdown(t.Context()) }()
	})
	e.expect(t, []string{"b"}, func() {})
	if err := <-down; err != nil {
		t.Error(err)
	}
}
