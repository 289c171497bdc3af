//go:build peers

package meshtest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/eventually"
)

// card is what call sends, and charge.
const card = "4432-8015-6152-0454"

// capture has tcpdump write what passes a port of this machine, and returns what it has written once it has everything.
func capture(t *testing.T, address string) (all func() []byte) {
	t.Helper()
	_, port, _ := net.SplitHostPort(address)
	file := filepath.Join(t.TempDir(), "capture")
	// Only packets with this port: a program and its own sidecar speak plain text with each other, at other ports.
	cmd := exec.Command(find(t, "tcpdump"), "-Z", "root", "-i", "lo", "-n", "-U", "-s", "0", "-w", file, "tcp port "+port)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() && !strings.Contains(lines.Text(), "listening on") {
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(io.Discard, stderr)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		<-done
		_ = cmd.Wait()
	})
	n := 0
	return func() []byte {
		n++
		mark := fmt.Sprintf("the end of what is captured, %d", n)
		_, _ = io.WriteString(connect(t, address), mark) // refused under STRICT, and seen on the wire all the same
		var captured []byte
		eventually.True(t, "tcpdump has written the mark", func() bool {
			captured, _ = os.ReadFile(file)
			return bytes.Contains(captured, []byte(mark))
		})
		return captured
	}
}

func TestOnTheWireACardIsReadableBeforeSTRICTAndNotAfter(t *testing.T) {
	const mode = "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: default}\nspec: {mtls: {mode: %s}}\n"
	s := open(t, fmt.Sprintf(mode, "DISABLE"))
	program, charged := grpcProgram(t)
	payment := s.join("payment-1", "payment", served{"payment", 50051, 50051, program})
	checkout := s.join("checkout-1", "checkout")
	for _, c := range []struct {
		mode     string
		readable bool
	}{{"DISABLE", true}, {"STRICT", false}, {"DISABLE", true}} {
		s.apply(fmt.Sprintf(mode, c.mode))
		all := capture(t, payment.inbound(50051))
		if err := call(t.Context(), dial(t, checkout.outbound("payment", 50051), nil), charge); err != nil {
			t.Fatal(err)
		}
		captured := all()
		if got := bytes.Contains(captured, []byte(card)); got != c.readable || len(captured) < 500 {
			t.Errorf("%s: of %d bytes on the wire, the card is readable: %t", c.mode, len(captured), got)
		}
	}
	if got := charged.take(); len(got) != 3 {
		t.Errorf("the program got %q", got)
	}
}
