package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo answers each connection with its name and what it was sent, once the sender is done.
func echo(t *testing.T, name string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			text, _ := io.ReadAll(c)
			fmt.Fprintf(c, "%s %s", name, text)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

func ask(t *testing.T, addr, text string) (string, error) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	// A reset is reported once: by the write, if it came before that, else by the read.
	if _, err := io.WriteString(c, text); err != nil {
		return "", err
	}
	_ = c.(*net.TCPConn).CloseWrite()
	answer, err := io.ReadAll(c)
	return string(answer), err
}

func listen(t *testing.T) *Address {
	t.Helper()
	a, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

func TestConnectionsGoToTheReadyInstancesInTurn(t *testing.T) {
	a := listen(t)
	a.Set([]string{echo(t, "one"), echo(t, "two")})
	seen := map[string]int{}
	for range 6 {
		answer, err := ask(t, a.String(), "hello")
		if err != nil {
			t.Fatal(err)
		}
		seen[answer]++
	}
	if seen["one hello"] != 3 || seen["two hello"] != 3 {
		t.Errorf("answers %v", seen)
	}
}

func TestAnInstanceThatIsGoneIsPassedOver(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	a := listen(t)
	a.Set([]string{l.Addr().String(), echo(t, "alive")})
	for range 4 {
		if answer, err := ask(t, a.String(), ""); err != nil || answer != "alive " {
			t.Errorf("%q %v", answer, err)
		}
	}
}

func TestWithoutAReadyInstanceTheConnectionIsReset(t *testing.T) {
	a := listen(t)
	if answer, err := ask(t, a.String(), "hello"); err == nil {
		t.Errorf("got a response: %q", answer)
	}
}

func TestCloseEndsOpenConnections(t *testing.T) {
	a := listen(t)
	a.Set([]string{echo(t, "x")})
	c, err := net.Dial("tcp", a.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(c); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Error(err)
	}
}

func TestATakenPortNamesItsOwner(t *testing.T) {
	a := listen(t)
	_, err := Listen(a.String())
	var taken *PortTakenError
	if !errors.As(err, &taken) || !strings.Contains(err.Error(), "proxy.test (pid ") {
		t.Errorf("got %v", err)
	}
}

func TestAnInstanceThatStopsBeingReadyWhileItIsConnectedToIsNotUsed(t *testing.T) {
	a := listen(t)
	ending, other := echo(t, "ending"), echo(t, "other")
	connect := a.connect
	a.connect = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := connect(ctx, network, address)
		if address == ending {
			a.Set([]string{other})
		}
		return conn, err
	}
	a.Set([]string{ending})
	if got, err := ask(t, a.String(), "hello"); err != nil || got != "other hello" {
		t.Errorf("answered %q, %v", got, err)
	}
}
