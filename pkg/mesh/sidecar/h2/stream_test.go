package h2_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/http2/hpack"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2/h2test"
)

func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i * 7 >> 3)
	}
	return p
}

// pair starts two forwarders in a row in front of an echo, and returns a connection to the first.
func pair(t testing.TB, opt h2.Options) *h2.Conn {
	t.Helper()
	addr := listen(t, opt, h2test.Echo)
	for range 2 {
		up := dial(t, addr, opt)
		addr = listen(t, opt, h2test.Forward(up))
	}
	return dial(t, addr, opt)
}

func TestARequestPassesThroughTwoForwardersUnchanged(t *testing.T) {
	for _, size := range []int{0, 1, 1000, 1 << 20} {
		c := pair(t, h2.Options{Group: new(h2.Group)})
		e := newExchange()
		body := pattern(size)
		send(t, c, e, request("/echo", hpack.HeaderField{Name: "x-echo", Value: "hello"}), body)
		<-e.done
		if e.err != nil {
			t.Fatalf("%d bytes: %v", size, e.err)
		}
		if !bytes.Equal(e.body, body) {
			t.Errorf("%d bytes: got %d, or others", size, len(e.body))
		}
		if get(e.headers, ":status") != "200" || get(e.headers, "x-echo") != "hello" || get(e.trailers, "grpc-status") != "0" {
			t.Errorf("%d bytes: headers %v, trailers %v", size, e.headers, e.trailers)
		}
	}
}

func TestAResponseOfTrailersOnlyStaysOne(t *testing.T) {
	c := pair(t, h2.Options{})
	e := newExchange()
	s, err := c.Open(e)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.WriteHeaders(request("/none"), true); err != nil {
		t.Fatal(err)
	}
	<-e.done
	if !e.trailersOnly || get(e.headers, "grpc-status") != "0" || e.trailers != nil {
		t.Errorf("headers %v, trailers %v, only %v, error %v", e.headers, e.trailers, e.trailersOnly, e.err)
	}
}

func TestHeadersThatNeedCONTINUATIONArrive(t *testing.T) {
	c := pair(t, h2.Options{})
	e := newExchange()
	long := strings.Repeat("{}", 20<<10) // 40 KiB, and longer in HPACK's code
	send(t, c, e, request("/echo", hpack.HeaderField{Name: "x-echo", Value: long}), nil)
	<-e.done
	if get(e.headers, "x-echo") != long {
		t.Errorf("error %v; got %d bytes", e.err, len(get(e.headers, "x-echo")))
	}
}

func TestAThousandStreamsShareOneConnection(t *testing.T) {
	c := pair(t, h2.Options{Group: new(h2.Group)})
	body := pattern(3000)
	// What the server permits is known once it has answered.
	first := newExchange()
	send(t, c, first, request("/echo"), body)
	<-first.done
	var wg sync.WaitGroup
	failed := make(chan error, 1000)
	for range 1000 {
		e := newExchange()
		s, err := c.Open(e)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.WriteHeaders(request("/echo"), false); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for i := range 3 {
				_ = s.WriteData(body[i*1000:][:1000], i == 2)
			}
			<-e.done
			if e.err != nil || !bytes.Equal(e.body, body) {
				failed <- fmt.Errorf("got %d bytes, error %v", len(e.body), e.err)
			}
		})
	}
	wg.Wait()
	close(failed)
	for err := range failed {
		t.Fatal(err)
	}
}

func TestASlowReaderHoldsUpNobodyElse(t *testing.T) {
	c := pair(t, h2.Options{Group: new(h2.Group)})
	slow := newExchange()
	slow.hold = true
	s, err := c.Open(slow)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.WriteHeaders(request("/echo"), false); err != nil {
		t.Fatal(err)
	}
	// Everything on the way is full once this is no longer taken.
	for s.Queued() < h2.HighWater {
		if err := s.WriteData(pattern(32<<10), false); err != nil {
			t.Fatal(err)
		}
		e := newExchange()
		send(t, c, e, request("/echo"), pattern(1<<20))
		<-e.done
		if e.err != nil || len(e.body) != 1<<20 {
			t.Fatalf("beside a slow reader: got %d bytes, error %v", len(e.body), e.err)
		}
	}
}
