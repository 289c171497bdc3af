package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	security "istio.io/api/security/v1beta1"
)

// chat is a program that changes to websocket at /chat, and says back what it gets until it gets "bye".
func chat(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/chat" || r.Header.Get("Upgrade") != "websocket" {
			http.Error(w, "no "+r.Header.Get("Upgrade"), http.StatusUpgradeRequired)
			return
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: "+r.Header.Get("Sec-WebSocket-Key")+"\r\n\r\n")
		for {
			line, err := rw.ReadString('\n')
			if err != nil || line == "bye\n" {
				return
			}
			_, _ = io.WriteString(conn, line)
		}
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// upgrade asks for another protocol, and returns the response and the connection after it.
func upgrade(t *testing.T, address, path, protocol string) (*http.Response, net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	_, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: "+host+"\r\nConnection: keep-alive, Upgrade\r\nUpgrade: "+protocol+"\r\nSec-WebSocket-Key: k\r\n\r\n")
	r := bufio.NewReader(conn)
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return response, conn, r
}

func TestAWebsocketPassesThroughTwoSidecars(t *testing.T) {
	m := webMesh(nil)
	mtls(m, security.PeerAuthentication_MutualTLS_STRICT)
	root, later := newAuthority(t), time.Now().Add(time.Hour)
	r := inbound(t, m, chat(t))
	r.Clusters[0].TypedExtensionProtocolOptions = nil
	in, _ := newProxy(t, root.identity(t, "payment", later), r)
	out, log := newProxy(t, root.identity(t, "checkout", later), outbound(t, m, true, in.Listeners()["inbound_50051"]))
	response, conn, from := upgrade(t, out.Listeners()[outer], "/chat", "websocket")
	if response.StatusCode != 101 || response.Header.Get("Upgrade") != "websocket" || response.Header.Get("Sec-Websocket-Accept") != "k" {
		t.Fatalf("the response is %v", response)
	}
	for _, text := range []string{"hello\n", strings.Repeat("x", 1<<20) + "\n", "again\n"} {
		go func() { _, _ = io.WriteString(conn, text) }()
		if got, err := from.ReadString('\n'); err != nil || got != text {
			t.Fatalf("%d bytes come back, %v", len(got), err)
		}
	}
	_, _ = io.WriteString(conn, "bye\n")
	if rest, err := io.ReadAll(from); err != nil || len(rest) > 0 {
		t.Errorf("after the program has ended: %q, %v", rest, err)
	}
	if e := log.wait(t, 1); e.Status != 101 || e.Flags != 0 || e.BytesSent != 1<<20+13 || e.BytesReceived != 1<<20+17 {
		t.Errorf("recorded is %+v", e)
	}
}

func TestAWebsocketEndsWithItsCaller(t *testing.T) {
	out, log := newProxy(t, nil, outbound(t, webMesh(nil), false, chat(t)))
	_, conn, _ := upgrade(t, out.Listeners()[outer], "/chat", "websocket")
	_ = conn.Close()
	if e := log.wait(t, 1); e.Status != 101 {
		t.Errorf("recorded is %+v", e)
	}
}

func TestAWebsocketToAServiceOfHTTP2IsARequestLikeOthers(t *testing.T) {
	out, log := newProxy(t, nil, outbound(t, mesh(), false, app(t, echo)))
	response, _, _ := upgrade(t, out.Listeners()[outer], "/chat", "websocket")
	if response.StatusCode == 101 {
		t.Errorf("the response is %v", response)
	}
	if e := log.wait(t, 1); e.Attempts != 1 {
		t.Errorf("recorded is %+v", e)
	}
}

func TestAProgramMayRefuseAWebsocketAndNoOtherProtocolIsPassedOn(t *testing.T) {
	out, _ := newProxy(t, nil, outbound(t, webMesh(nil), false, chat(t)))
	for _, c := range []struct{ path, protocol, body string }{{"/other", "websocket", "no websocket\n"}, {"/chat", "h2c", "no \n"}, {"/chat", "other", "no \n"}} {
		response, _, _ := upgrade(t, out.Listeners()[outer], c.path, c.protocol)
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusUpgradeRequired || string(body) != c.body {
			t.Errorf("%s to %s: %v %q, %v", c.path, c.protocol, response.StatusCode, body, err)
		}
	}
}
