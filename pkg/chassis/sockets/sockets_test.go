package sockets

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/nettest"
	"google.golang.org/grpc/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair returns both ends of a connection over loopback.
func pair(t testing.TB) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return direct(client), direct(server)
}

func TestAConnectionBehavesAsTheNetPackageSays(t *testing.T) {
	nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
		a, b := pair(t)
		return a, b, func() { a.Close(); b.Close() }, nil
	})
}

func TestListenersAndDialersMakeSuchConnections(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Listen(plain)
	defer l.Close()
	var d Dialer
	client, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	_, isPlain := server.(*net.TCPConn)
	if want := raceDetector || runtime.GOOS != "linux"; isPlain != want {
		t.Errorf("an accepted connection is a %T", server)
	}
	if _, err := client.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(server, got); err != nil || string(got) != "hello" {
		t.Errorf("read %q, %v", got, err)
	}
	l.Close()
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed listener says %v", err)
	}
	if _, err := d.DialContext(t.Context(), "tcp", plain.Addr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("nobody listens, and dialling says %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.DialContext(ended, "tcp", plain.Addr().String()); err == nil {
		t.Error("dialling outlives its context")
	}
}

func TestLargeMessagesArriveWhole(t *testing.T) {
	a, b := pair(t)
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<18) // more than any socket buffer
	var all sync.WaitGroup
	all.Go(func() {
		if n, err := a.Write(sent); n != len(sent) || err != nil {
			t.Errorf("wrote %d of %d bytes: %v", n, len(sent), err)
		}
		a.Close()
	})
	got, err := io.ReadAll(b)
	all.Wait()
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("read %d of %d bytes: %v", len(got), len(sent), err)
	}
}

func TestWritingToWhoHasLeftFailsAsElsewhere(t *testing.T) {
	a, b := pair(t)
	b.Close()
	var err error
	for err == nil { // until the other side's answer has come
		_, err = a.Write([]byte("x"))
	}
	if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("write says %v", err)
	}
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "write" || op.Addr == nil {
		t.Errorf("write says %#v, want a net.OpError", err)
	}
}

// countingPool counts the buffers that are out.
type countingPool struct {
	mu  sync.Mutex
	out int
}

func (p *countingPool) Get(n int) *[]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out++
	b := make([]byte, n)
	return &b
}

func (p *countingPool) Put(*[]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out--
}

func (p *countingPool) held() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out
}

func TestAnIdleConnectionHoldsNoBuffer(t *testing.T) {
	a, b := pair(t)
	ready, ok := b.(interface {
		ReadOnReady(size int, pool mem.BufferPool) (*[]byte, int, error)
	})
	if !ok {
		if runtime.GOOS == "linux" {
			t.Fatalf("gRPC cannot read a %T when it is ready", b)
		}
		return
	}
	pool := &countingPool{}
	if err := b.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	var late net.Error
	if buffer, n, err := ready.ReadOnReady(64, pool); !errors.As(err, &late) || !late.Timeout() || buffer != nil || n != 0 || pool.held() != 0 {
		t.Fatalf("nothing came: %v %d %v, %d buffers", buffer, n, err, pool.held())
	}
	if err := b.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	buffer, n, err := ready.ReadOnReady(64, pool)
	if err != nil || string((*buffer)[:n]) != "hello" || pool.held() != 1 {
		t.Fatalf("read %d bytes, %v, %d buffers", n, err, pool.held())
	}
	pool.Put(buffer)
	a.Close()
	if buffer, n, err := ready.ReadOnReady(64, pool); err != io.EOF || buffer != nil || n != 0 || pool.held() != 0 {
		t.Errorf("at the end: %v %d %v, %d buffers", buffer, n, err, pool.held())
	}
}
