package localuser

import (
	"io"
	"net"
	"os"
	"testing"
)

// serve accepts from a listener and greets everyone that is let in.
func serve(t *testing.T, l net.Listener) {
	t.Helper()
	done := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "hello")
			_ = conn.Close()
		}
	}()
}

// greeting is what a new connection reads; empty if it is closed.
func greeting(t *testing.T, addr string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	text, _ := io.ReadAll(conn) // a reset, where it was refused
	return string(text)
}

func TestOnlyTheUserAndRootAreLetIn(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		for name, c := range map[string]struct {
			user uint32
			want string
		}{
			"the user":     {uint32(os.Getuid()), "hello"},
			"another user": {uint32(os.Getuid()) + 1, ""},
		} {
			t.Run(addr+" "+name, func(t *testing.T) {
				l, err := net.Listen("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				if os.Getuid() == 0 && c.want == "" {
					// Root is always let in: let the client be another one.
					only := &listener{Listener: l, user: c.user, owner: func(conn net.Conn) peer {
						p := owner(conn)
						p.user += 4711
						return p
					}}
					serve(t, only)
				} else if only, ok := Only(l).(*listener); ok {
					only.user = c.user
					serve(t, only)
				} else {
					_ = l.Close()
					t.Log("this system cannot be asked")
					return
				}
				if got := greeting(t, l.Addr().String()); got != c.want {
					t.Errorf("read %q, want %q", got, c.want)
				}
			})
		}
	}
}

func TestAConnectionThatWasClosedBeforeItIsAcceptedIsNotServed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, end := range map[string]func(*net.TCPConn){
		"closed": func(*net.TCPConn) {},
		"reset":  func(c *net.TCPConn) { _ = c.SetLinger(0) },
	} {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, "FLUSHALL\r\n")
		end(conn.(*net.TCPConn))
		_ = conn.Close()
		in, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if p := owner(in); supported && (!p.gone || p.unknown) {
			t.Errorf("%s: %+v, want that it is gone", name, p)
		}
		_ = in.Close()
	}
}

func TestOtherInterfacesAreLeftAlone(t *testing.T) {
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if Only(l) != l {
		t.Error("a listener on all interfaces is limited to the user")
	}
}

func BenchmarkOwner(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	out, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer out.Close()
	in, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	for b.Loop() {
		owner(in)
	}
}
