package tunnel_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/workload/docker/tunnel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open connects the two sides by pipes, as an engine does.
func open(t *testing.T) *tunnel.Client {
	t.Helper()
	pipe := func() (r, w *os.File) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		return r, w
	}
	down, downEnd := pipe()
	up, upEnd := pipe()
	served := make(chan struct{})
	go func() {
		defer close(served)
		tunnel.Serve(tunnel.Conn(down, upEnd, func() error { return errors.Join(down.Close(), upEnd.Close()) }))
	}()
	c, err := tunnel.Open(tunnel.Conn(up, downEnd, func() error { return errors.Join(up.Close(), downEnd.Close()) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		<-served
	})
	return c
}

// echo answers every line in capital letters.
func echo(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer conn.Close()
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					fmt.Fprintln(conn, strings.ToUpper(lines.Text()))
				}
			})
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
		conns.Wait()
	})
	return l.Addr().String()
}

// ask sends a line and returns the answer.
func ask(t *testing.T, addr, line string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintln(conn, line)
	got, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Errorf("ask %s: %v", addr, err)
	}
	return strings.TrimSpace(got)
}

func TestConnectionsGoIntoThePod(t *testing.T) {
	addr := echo(t)
	c := open(t)
	f, err := c.Forward(addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all sync.WaitGroup
	for i := range 50 { // side by side
		all.Go(func() {
			if got, want := ask(t, f.Addr(), fmt.Sprint("line ", i)), fmt.Sprint("LINE ", i); got != want {
				t.Errorf("answer %q, want %q", got, want)
			}
		})
	}
	all.Wait()
}

func TestConnectionsComeOutOfThePod(t *testing.T) {
	addr := echo(t)
	c := open(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	inside := free.Addr().String()
	_ = free.Close()
	err = c.Listen(inside, func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, inside, "hello"); got != "HELLO" {
		t.Errorf("answer %q", got)
	}
	if err := c.Listen(inside, nil); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("listen at a taken address: %v", err)
	}
}

func TestAnEndThatIsHalfIsPassedOn(t *testing.T) {
	addr := echo(t)
	c := open(t)
	f, err := c.Forward(addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	conn, err := net.Dial("tcp", f.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintln(conn, "one")
	fmt.Fprintln(conn, "two")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil || string(got) != "ONE\nTWO\n" {
		t.Errorf("read %q, %v", got, err)
	}
}

// A server that closes after its answer, as one of HTTP does when it is asked to, must not cost the client the answer.
func TestAnAnswerIsWholeThatEndsWithTheConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	answer := strings.Repeat("0123456789abcde\n", 1<<10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = bufio.NewReader(conn).ReadString('\n')
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	c := open(t)
	f, err := c.Forward(l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range 200 {
		conn, err := net.Dial("tcp", f.Addr())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(conn, "a question")
		got, err := io.ReadAll(conn)
		_ = conn.Close()
		if err != nil || string(got) != answer {
			t.Fatalf("connection %d: %d bytes of %d, %v", i, len(got), len(answer), err)
		}
	}
}

func TestAMegabyteArrivesWhole(t *testing.T) {
	addr := echo(t)
	c := open(t)
	f, err := c.Forward(addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	conn, err := net.Dial("tcp", f.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	text := strings.Repeat("0123456789abcde\n", 1<<16)
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = io.WriteString(conn, text)
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(conn)
	<-written
	if err != nil || string(got) != strings.ToUpper(text) {
		t.Errorf("read %d bytes of %d, %v", len(got), len(text), err)
	}
}

func TestWhereNothingListensAConnectionEnds(t *testing.T) {
	addr := echo(t)
	c := open(t)
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = dead.Close()
	if err := c.Dial(t.Context(), addr); err != nil {
		t.Errorf("dial what listens: %v", err)
	}
	err = c.Dial(t.Context(), dead.Addr().String())
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("dial what does not listen: %v", err)
	}
	f, err := c.Forward(dead.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	conn, err := net.Dial("tcp", f.Addr())
	if err != nil {
		return // it was reset at once
	}
	defer conn.Close()
	if n, err := conn.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes from nowhere", n)
	}
}

func TestTheEndOfTheTunnelEndsItsConnections(t *testing.T) {
	addr := echo(t)
	c := open(t)
	f, err := c.Forward(addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	conn, err := net.Dial("tcp", f.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintln(conn, "hello")
	r := bufio.NewReader(conn)
	if _, err := r.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	c.Close()
	eventually.True(t, "the connection ends", func() bool {
		_, err := r.ReadByte()
		return err != nil
	})
}
