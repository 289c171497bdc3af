package meshtest

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/shopctl/shopctl/pkg/eventually"
)

// bound is what the heap of a test may grow by: of two sidecars, the program behind them, and the attacker. Each flood would
// need several times as much if it were kept.
const bound = 192 << 20

// heap watches how far the heap grows. What is measured is what is alive after a collection.
func heap(t *testing.T) (growth func() int64) {
	t.Helper()
	live := func() int64 {
		runtime.GC()
		sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(sample)
		return int64(sample[0].Value.Uint64())
	}
	before := live()
	var most atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		for tick := time.NewTicker(100 * time.Millisecond); ; {
			select {
			case <-tick.C:
				most.Store(max(most.Load(), live()-before))
			case <-ctx.Done():
				tick.Stop()
				return
			}
		}
	})
	return func() int64 {
		cancel()
		running.Wait()
		t.Logf("the heap grew by %d KiB", most.Load()>>10)
		return most.Load()
	}
}

// bounded fails the test if the heap grows by more than bound until the end of it, and boundedBy if by more than a limit.
func bounded(t *testing.T) {
	t.Helper()
	boundedBy(t, bound)
}

func boundedBy(t *testing.T, limit int64) {
	t.Helper()
	growth := heap(t)
	t.Cleanup(func() {
		if n := growth(); n > limit {
			t.Errorf("the heap grew by %d MiB", n>>20)
		}
	})
}

// neighbor calls payment through checkout's sidecar, one call after another, until the end of the test. None may fail.
func neighbor(t *testing.T, w *world) (calls *atomic.Int64) {
	t.Helper()
	conn := dial(t, w.checkout.outbound("payment", 50051), nil)
	calls = new(atomic.Int64)
	stop := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			if err := call(ctx, conn, charge); err != nil {
				t.Errorf("the neighbor's call %d ends with %v", calls.Load(), err)
			}
			cancel()
			calls.Add(1)
		}
	})
	t.Cleanup(func() { close(stop); running.Wait() })
	return calls
}

// passes waits until the neighbor has made some calls more.
func passes(t *testing.T, calls *atomic.Int64) {
	t.Helper()
	from := calls.Load()
	eventually.True(t, "the neighbor's calls go on", func() bool { return calls.Load() >= from+10 })
}

// attacker is a client of HTTP/2 that sends what it likes, and receives nothing.
type attacker struct {
	*http2.Framer
	conn  net.Conn
	block bytes.Buffer
	enc   *hpack.Encoder
	ended chan struct{} // closed when the other end has hung up
}

// attack connects in plain text, or with TLS if it is configured.
func attack(t *testing.T, address string, config *tls.Config) *attacker {
	t.Helper()
	a := &attacker{ended: make(chan struct{})}
	if config == nil {
		a.conn = connect(t, address)
	} else {
		a.conn = connectTLS(t, address, config)
	}
	a.Framer = http2.NewFramer(a.conn, nil)
	a.AllowIllegalWrites = true
	a.enc = hpack.NewEncoder(&a.block)
	if _, err := io.WriteString(a.conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := a.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(a.ended)
		_, _ = io.Copy(io.Discard, a.conn)
	}()
	t.Cleanup(func() { _ = a.conn.Close(); <-a.ended })
	return a
}

// fields encodes a request with more fields, given by pairs.
func (a *attacker) fields(path string, more ...string) []byte {
	a.block.Reset()
	all := append([]string{":method", "POST", ":scheme", "http", ":path", path, ":authority", "web", "content-type", "application/grpc", "te", "trailers"}, more...)
	for i := 0; i < len(all); i += 2 {
		_ = a.enc.WriteField(hpack.HeaderField{Name: all[i], Value: all[i+1]})
	}
	return bytes.Clone(a.block.Bytes())
}

// open begins a stream.
func (a *attacker) open(i int, end bool, block []byte) error {
	const most = 16 << 10
	id := uint32(2*i + 1)
	first := block[:min(len(block), most)]
	block = block[len(first):]
	err := a.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: first, EndStream: end, EndHeaders: len(block) == 0})
	for err == nil && len(block) > 0 {
		part := block[:min(len(block), most)]
		block = block[len(part):]
		err = a.WriteContinuation(id, len(block) == 0, part)
	}
	return err
}

func TestAThousandStreamsAreOpenAtATime(t *testing.T) {
	w := attacked(t)
	bounded(t)
	conn := dial(t, w.checkout.outbound("payment", 50051), nil)
	streams := make([]grpc.ClientStream, 1000)
	for i := range streams {
		s, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, charge)
		if err != nil {
			t.Fatal(err)
		}
		streams[i] = s
	}
	for round := range 3 { // each is used while all others are open
		for i, s := range streams {
			if err := s.SendMsg(wrapperspb.Bytes([]byte{byte(i), byte(round)})); err != nil {
				t.Fatalf("stream %d: %v", i, err)
			}
		}
		for i, s := range streams {
			var m wrapperspb.BytesValue
			if err := s.RecvMsg(&m); err != nil || !bytes.Equal(m.GetValue(), []byte{byte(i), byte(round)}) {
				t.Fatalf("stream %d: %v, %v", i, m.GetValue(), err)
			}
		}
	}
	for i, s := range streams {
		_ = s.CloseSend()
		if err := s.RecvMsg(new(wrapperspb.BytesValue)); err != io.EOF {
			t.Fatalf("stream %d ends with %v", i, err)
		}
	}
}

func TestBodiesOfAMebibytePassBothWays(t *testing.T) {
	w := attacked(t)
	bounded(t)
	calls := neighbor(t, w)
	conn := dial(t, w.checkout.outbound("payment", 50051), nil)
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	var all sync.WaitGroup
	for range 24 {
		all.Go(func() {
			var got wrapperspb.BytesValue
			if err := conn.Invoke(t.Context(), charge, wrapperspb.Bytes(body), &got); err != nil || !bytes.Equal(got.GetValue(), body) {
				t.Errorf("%d bytes come back, %v", len(got.GetValue()), err)
			}
		})
	}
	all.Wait()
	passes(t, calls)
}

// A thousand callers ask for as many megabytes and read none of them: of each only its windows are kept, 64 KiB on both sidecars
// and as much in the program, in buffers that may be half as large again.
func TestSlowReadersHoldUpNobodyElse(t *testing.T) {
	const readers = 1000
	w := attacked(t)
	boundedBy(t, readers*448<<10)
	calls := neighbor(t, w)
	passes(t, calls)
	a := attack(t, w.checkout.outbound("payment", 50051), nil)
	if err := a.WriteWindowUpdate(0, 1<<30); err != nil { // the connection's window is not a bound, those of streams are
		t.Fatal(err)
	}
	for i := range readers {
		if err := a.open(i, true, a.fields(getMuch)); err != nil {
			t.Fatal(err)
		}
		if i%100 == 99 {
			passes(t, calls)
		}
	}
	eventually.True(t, "all have asked", func() bool { return w.charged.count(getMuch) == readers })
	passes(t, calls)
	w.charged.take()
}
