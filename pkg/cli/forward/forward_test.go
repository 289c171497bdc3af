package forward

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// upper is a server that answers what it was sent, once that has ended, in capitals.
func upper(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			text, _ := io.ReadAll(conn)
			io.WriteString(conn, strings.ToUpper(string(text)))
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String()
}

func TestAConnectionIsPassedOnBothWays(t *testing.T) {
	var out, errs bytes.Buffer
	o := &options{ios: iostreams.New(strings.NewReader(""), &out, &errs)}
	ctx, cancel := context.WithCancel(t.Context())
	open, err := o.listen(ctx, []string{"127.0.0.1"}, pair{"0", "7070"}, upper(t))
	if err != nil {
		t.Fatal(err)
	}
	dead, err := o.listen(ctx, []string{"127.0.0.1"}, pair{"0", "81"}, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- o.serve(ctx, nil, &target{}, append(open, dead...)) }()
	ask := func(f *forwarder) string {
		conn, err := net.Dial("tcp", f.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, "hello")
		conn.(*net.TCPConn).CloseWrite()
		text, _ := io.ReadAll(conn)
		return string(text)
	}
	if first, second := ask(open[0]), ask(open[0]); first != "HELLO" || second != "HELLO" {
		t.Errorf("answers %q and %q", first, second)
	}
	if answer := ask(dead[0]); answer != "" {
		t.Errorf("answer of nobody: %q", answer)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	_, port, _ := net.SplitHostPort(open[0].listener.Addr().String())
	if want := "Forwarding from 127.0.0.1:" + port + " -> 7070\n"; !strings.HasPrefix(out.String(), want) || strings.Count(out.String(), "Handling connection for "+port+"\n") != 2 {
		t.Errorf("printed\n%s", out.String())
	}
	if !strings.Contains(errs.String(), "an error occurred forwarding to 127.0.0.1:0") {
		t.Errorf("printed %q", errs.String())
	}
}

func TestAPortThatIsTakenIsNamed(t *testing.T) {
	o := &options{ios: iostreams.New(strings.NewReader(""), io.Discard, io.Discard)}
	_, port, _ := net.SplitHostPort(upper(t))
	if _, err := o.listen(t.Context(), []string{"127.0.0.1"}, pair{port, "80"}, "x"); err == nil || !strings.Contains(err.Error(), "unable to listen on port "+port) {
		t.Errorf("%v", err)
	}
	o.addresses = []string{"localhost", "10.0.0.1", "example.com"}
	if _, err := o.hosts(); err == nil || !strings.Contains(err.Error(), `read --address "example.com"`) {
		t.Errorf("%v", err)
	}
}

func TestPortsAreReadAsKubectlReadsThem(t *testing.T) {
	for word, want := range map[string]pair{
		"80": {"80", "80"}, "0:80": {"0", "80"}, "9000:80": {"9000", "80"}, ":80": {"0", "80"}, "9000:grpc": {"9000", "grpc"}, "grpc": {"0", "grpc"},
	} {
		if got, err := parsePorts([]string{word}); err != nil || got[0] != want {
			t.Errorf("%s: %v, %v", word, got, err)
		}
	}
	for _, word := range []string{"", ":", "80:", "0", "70000", "80:0", "80:70000", "1:2:3", "-1:80", "a:80"} {
		if got, err := parsePorts([]string{word}); err == nil {
			t.Errorf("%q is read as %v", word, got)
		}
	}
}

func TestAServiceHasThePortsOfItsService(t *testing.T) {
	s := &controlpb.Service{
		Name: "cart", Workload: "cartservice", Fronts: []string{"cart-admin", "cartservice"},
		Ports: []*controlpb.ServicePort{
			{Service: "cart-admin", Port: 81, Address: "127.0.0.1:3"},
			{Service: "cartservice", Name: "grpc", Port: 7070, Address: "127.0.0.1:1"},
			{Service: "cartservice", Name: "dns", Port: 53},
		},
	}
	for _, c := range []struct{ name, port, address, fails string }{
		{"cart", "7070", "127.0.0.1:1", ""},
		{"cartservice", "grpc", "127.0.0.1:1", ""},
		{"cart-admin", "81", "127.0.0.1:3", ""},
		{"cart-admin", "7070", "", "service cart-admin does not have port 7070"},
		{"cart", "53", "", "has no address on this machine"},
	} {
		got, err := serviceTarget(s, c.name)
		if err != nil {
			t.Fatal(err)
		}
		address, err := got.address(c.port)
		if address != c.address || (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s %s: %q, %v", c.name, c.port, address, err)
		}
	}
	if _, err := serviceTarget(&controlpb.Service{Name: "job", Workload: "job"}, "job"); err == nil || !strings.Contains(err.Error(), "no Service leads to job") {
		t.Errorf("%v", err)
	}
}
