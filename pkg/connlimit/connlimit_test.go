package connlimit

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo serves lines with a bound.
func echo(t *testing.T, most int) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := Listen(l, most)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := b.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				_, _ = io.Copy(c, struct{ io.Reader }{c})
			})
		}
	})
	t.Cleanup(func() { b.Close(); all.Wait() })
	return l.Addr().String()
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func ask(c net.Conn, line string) error {
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(c, line); err != nil {
		return err
	}
	got, err := bufio.NewReader(c).ReadString('\n')
	if err == nil && got != line+"\n" {
		err = fmt.Errorf("got %q", got)
	}
	return err
}

func TestTheSlowestConnectionGivesWay(t *testing.T) {
	addr := echo(t, 3)
	busy := dial(t, addr)
	if err := ask(busy, strings.Repeat("the first, which moves many bytes ", 20)); err != nil {
		t.Fatal(err)
	}
	silent := []net.Conn{dial(t, addr), dial(t, addr)}
	for i := range 4 { // each takes the place of one that is silent, or of the one before it
		if err := ask(dial(t, addr), fmt.Sprint("a much longer line of one that is served ", i)); err != nil {
			t.Errorf("connection %d: %v", i, err)
		}
		if err := ask(busy, "still here, and moving more bytes than the others do in their time"); err != nil {
			t.Errorf("the busy one: %v", err)
		}
	}
	for _, c := range silent {
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
		var timeout net.Error
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
			t.Errorf("a silent connection is still there: %v", err)
		}
	}
}

func TestAConnectionThatEndsMakesRoom(t *testing.T) {
	addr := echo(t, 1)
	for i := range 20 {
		c := dial(t, addr)
		if err := ask(c, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
}

func TestAShareLeavesDescriptorsForOthers(t *testing.T) {
	if one, two := Share(1), Share(2); one < least || one > most || two > one {
		t.Errorf("%d and %d", one, two)
	}
}
