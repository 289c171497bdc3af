package rediscart_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/services/cart/rediscart"
	"github.com/shopctl/shopctl/services/cart/rediscart/rediscarttest"
)

func TestACheckWritesAndLeavesNothingBehind(t *testing.T) {
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		s := rediscarttest.Start(t, engine, t.TempDir())
		for _, write := range []bool{true, false} {
			if err := rediscart.Check(t.Context(), s.Addr, "", write); err != nil {
				t.Errorf("write %t: %v", write, err)
			}
		}
		if got := rediscarttest.Connect(t, s.Addr).Do("DBSIZE"); got != "(integer) 0" {
			t.Errorf("keys left: %s", got)
		}
	})
}

func TestACheckNeedsThePasswordOnlyToWrite(t *testing.T) {
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		s := rediscarttest.StartWithPassword(t, engine, "secret word")
		for _, password := range []string{"secret word", "another", ""} {
			for _, write := range []bool{true, false} {
				if err := rediscart.Check(t.Context(), s.Addr, password, write); err != nil {
					t.Errorf("password %q, write %t: %v", password, write, err)
				}
			}
		}
	})
}

func TestAStoppedStoreFailsItsCheckInTime(t *testing.T) {
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		cmd, _, addr := spawn(t, engine, t.TempDir())
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		check := func(write bool) error {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			return rediscart.Check(ctx, addr, "", write)
		}
		// The threads of the store stop one after the other.
		eventually.True(t, "the store has stopped", func() bool { return check(false) != nil })
		for _, write := range []bool{true, false} {
			err := check(write)
			if err == nil || !strings.Contains(err.Error(), "does not respond") {
				t.Errorf("write %t: %v, want that it does not respond", write, err)
			}
		}
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		if err := rediscart.Check(t.Context(), addr, "", true); err != nil {
			t.Errorf("after the pause: %v", err)
		}
	})
}

func TestAStoreThatCannotWriteFailsTheCheckOfWritesAlone(t *testing.T) {
	for name, c := range map[string]struct{ replies, want string }{
		"refused when queued": {"+OK\r\n-MISCONF Errors writing to the AOF file: No space left on device\r\n+QUEUED\r\n-EXECABORT x\r\n", "No space left on device"},
		"refused when run":    {"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n-ERR disk I/O error\r\n:0\r\n", "disk I/O error"},
		"a replica":           {"+OK\r\n-READONLY You can't write against a read only replica.\r\n", "READONLY"},
		"loading":             {"-LOADING Redis is loading the dataset in memory\r\n", "LOADING"},
		"gone":                {"", "read from the store"},
	} {
		t.Run(name, func(t *testing.T) {
			addr := replyOnce(t, c.replies)
			if err := rediscart.Check(t.Context(), addr, "", true); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if c.replies == "" {
				return
			}
			if err := rediscart.Check(t.Context(), replyOnce(t, c.replies), "", false); err != nil {
				t.Errorf("it counts as dead: %v", err)
			}
		})
	}
}

// replyOnce is a server that replies the same to the first line of its one client, and no more.
func replyOnce(t *testing.T, replies string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-done })
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = bufio.NewReader(conn).ReadString('\n')
		_, _ = io.WriteString(conn, replies)
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
		_, _ = io.Copy(io.Discard, conn)
	}()
	return l.Addr().String()
}
