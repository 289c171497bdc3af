package otlp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/observe/spans"
)

// forwarding runs a forwarder until the test ends.
func forwarding(t *testing.T, to string) *Forwarder {
	t.Helper()
	f, err := NewForwarder(to, func(err error) { t.Errorf("forward: %v", err) })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); f.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return f
}

func TestRequestsAreForwardedAsTheyCame(t *testing.T) {
	got := make(chan []byte, 1)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == Path && r.Header.Get("Content-Type") == typeProtobuf {
			got <- body
		}
	}))
	defer other.Close()
	f := forwarding(t, other.URL)
	r, _ := receive(t, f.Forward)
	want := exported("GetCart", 10)
	if _, err := client(t, r.GRPC()).Export(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if body := <-got; string(body) != string(encode(t, want)) {
		t.Errorf("forwarded %q", body)
	}
	three := exported("GetCart", 10)
	three.ResourceSpans = append(three.ResourceSpans, exported("a", 1).GetResourceSpans()...)
	three.ResourceSpans = append(three.ResourceSpans, exported("b", 1).GetResourceSpans()...)
	if _, err := client(t, r.GRPC()).Export(t.Context(), three); err != nil {
		t.Fatal(err)
	}
	<-got
	eventually.True(t, "four spans are forwarded", func() bool { sent, _ := f.Counts(); return sent == 4 })
}

func TestOneShopForwardsToAnotherOverGRPC(t *testing.T) {
	far := make(chan []byte, 1)
	second, _ := receive(t, func(request []byte, _ int) { far <- request })
	f := forwarding(t, "grpc://"+second.GRPC())
	first, store := receive(t, f.Forward)
	if _, err := client(t, first.GRPC()).Export(t.Context(), exported("GetCart", 10)); err != nil {
		t.Fatal(err)
	}
	if got := <-far; string(got) != string(encode(t, exported("GetCart", 10))) {
		t.Errorf("forwarded %q", got)
	}
	if len(store.List(spans.Filter{}, 1)) != 1 {
		t.Error("what is forwarded is not kept")
	}
}

func TestAHangingReceiverLosesOnlyItsOwnSpans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := make(chan struct{}, 1)
		var failures []error
		f := &Forwarder{queue: make(chan forwarded, maxQueue), close: func() {}, failed: func(err error) { failures = append(failures, err) }}
		f.send = func(ctx context.Context, _ []byte) error {
			select {
			case begun <- struct{}{}:
			default:
			}
			<-ctx.Done()
			return ctx.Err()
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); f.Run(ctx) }()
		f.Forward([]byte("first"), 1)
		<-begun
		for range maxQueue + 10 {
			f.Forward([]byte("more"), 1)
		}
		if _, dropped := f.Counts(); dropped != 10 {
			t.Errorf("%d dropped, want 10", dropped)
		}
		time.Sleep(maxTries*sendTimeout + maxTries*retryPause)
		if sent, dropped := f.Counts(); sent != 0 || dropped != 11 {
			t.Errorf("%d sent and %d dropped, want 0 and 11", sent, dropped)
		}
		cancel()
		<-done
		if len(failures) != 1 || !errors.Is(failures[0], context.DeadlineExceeded) {
			t.Errorf("failures %v", failures)
		}
	})
}

func TestTheQueueIsBoundedInBytes(t *testing.T) {
	f := &Forwarder{queue: make(chan forwarded, maxQueue)}
	for range 10 {
		f.Forward(make([]byte, 1<<20), 1)
	}
	if _, dropped := f.Counts(); dropped != 2 || f.bytes.Load() != maxQueueBytes {
		t.Errorf("%d dropped, %d bytes wait", dropped, f.bytes.Load())
	}
}

func TestOnlyWhatPassesIsTriedAgain(t *testing.T) {
	for status, want := range map[int]int64{200: 1, 400: 1, 503: maxTries, 429: maxTries, 404: 1} {
		synctest.Test(t, func(t *testing.T) {
			tries := int64(0)
			f := &Forwarder{send: func(context.Context, []byte) error {
				tries++
				if status == 200 {
					return nil
				}
				return &httpError{status}
			}}
			err := f.deliver(t.Context(), nil)
			if tries != want || (err == nil) != (status == 200) {
				t.Errorf("%d: %d tries, %v", status, tries, err)
			}
		})
	}
}

func TestEndpointsAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]endpoint{
		"http://collector:4318":  {target: "http://collector:4318/v1/traces"},
		"https://x.example/otlp": {target: "https://x.example/otlp", tls: true},
		"collector:4317":         {grpc: true, target: "collector:4317"},
		"grpc://[::1]:4317":      {grpc: true, target: "[::1]:4317"},
		"grpcs://x.example":      {grpc: true, tls: true, target: "x.example:4317"},
		"http://127.0.0.1:4318/": {target: "http://127.0.0.1:4318/v1/traces"},
	} {
		if got, err := parseEndpoint(text); err != nil || got != want {
			t.Errorf("%s: %+v %v, want %+v", text, got, err, want)
		}
	}
	var wrong []string
	for _, text := range []string{"", "ftp://x", "http://", "grpc://:4317", "http://user:secret@x", "a b:4317", "unix:///x"} {
		if _, err := EndpointHost(text); err != nil {
			wrong = append(wrong, text)
		}
	}
	if !slices.Equal(wrong, []string{"", "ftp://x", "http://", "grpc://:4317", "http://user:secret@x", "a b:4317", "unix:///x"}) {
		t.Errorf("refused only %s", strings.Join(wrong, ", "))
	}
}
