package h2_test

import (
	"bytes"
	"crypto/tls"
	"net/http/httptest"
	"testing"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2/h2test"
)

func TestTLSLiesBetweenTheFramesAndTheSocket(t *testing.T) {
	https := httptest.NewTLSServer(nil)
	https.Close()
	ours, theirs := sockets(t)
	group := new(h2.Group)
	serve(t, h2.Server(tls.Server(h2.Nonblock(ours), &tls.Config{Certificates: https.TLS.Certificates}), h2.Options{Group: group}, h2test.Echo))
	c := serve(t, h2.Client(tls.Client(h2.Nonblock(theirs), &tls.Config{InsecureSkipVerify: true}), h2.Options{Group: group}))
	for range 3 {
		e := newExchange()
		body := pattern(1 << 20)
		send(t, c, e, request("/echo"), body)
		if <-e.done; e.err != nil || !bytes.Equal(e.body, body) {
			t.Fatalf("got %d bytes, error %v", len(e.body), e.err)
		}
	}
}
