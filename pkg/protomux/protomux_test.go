package protomux_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/shopctl/shopctl/pkg/protomux"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a mux over n listeners and returns it with their addresses.
func start(t *testing.T, n int) (*protomux.Mux, []string) {
	t.Helper()
	var outer []net.Listener
	var addrs []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		outer, addrs = append(outer, l), append(addrs, l.Addr().String())
	}
	m := protomux.New(outer...)
	ended := make(chan error, 1)
	go func() { ended <- m.Serve() }()
	t.Cleanup(func() {
		m.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Serve returned %v", err)
		}
	})
	return m, addrs
}

func dial(t *testing.T, addr, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestAConnectionReachesTheListenerOfItsProtocolWithAllItsBytes(t *testing.T) {
	m, addrs := start(t, 2)
	for _, addr := range addrs {
		for text, l := range map[string]net.Listener{
			"PRI * HTTP/2.0\n": m.GRPC(), "GET / HTTP/1.1\n": m.HTTP(), "PRIVATE / HTTP/1.1\n": m.HTTP(),
		} {
			dial(t, addr, text)
			conn, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || line != text {
				t.Errorf("read %q, %v; want %q", line, err, text)
			}
			_ = conn.Close()
		}
	}
	if m.GRPC().Addr().String() != addrs[0] || m.HTTP().Addr().String() != addrs[1] {
		t.Errorf("addresses %v and %v, want %v", m.GRPC().Addr(), m.HTTP().Addr(), addrs)
	}
}

func TestCloseEndsConnectionsThatHaveNotSentEnough(t *testing.T) {
	m, addrs := start(t, 1)
	silent := dial(t, addrs[0], "PR")
	dial(t, addrs[0], "GET / HTTP/1.1\n")
	if conn, err := m.HTTP().Accept(); err != nil { // so that the silent one has been accepted before
		t.Fatal(err)
	} else {
		_ = conn.Close()
	}
	m.Close()
	if _, err := silent.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still open")
	}
	for _, l := range []net.Listener{m.GRPC(), m.HTTP()} {
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept returned %v", err)
		}
	}
}

func TestAConnectionOfAProtocolThatIsNotServedIsClosed(t *testing.T) {
	m, addrs := start(t, 1)
	_ = m.HTTP().Close()
	conn := dial(t, addrs[0], strings.Repeat("GET ", 3))
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still open")
	}
}
