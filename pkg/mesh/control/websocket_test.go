package control_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// chat is a program that changes to the protocol that it is asked for, and sends back what it gets.
func chat(t *testing.T) string {
	t.Helper()
	program := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+r.Header.Get("Upgrade")+
			"\r\nGot-Proto: "+r.Header.Get("X-Forwarded-Proto")+"\r\nGot-Path: "+r.URL.Path+"\r\n\r\n")
		_, _ = io.Copy(conn, rw)
	}))
	t.Cleanup(program.Close)
	return program.Listener.Addr().String()
}

func TestAWebsocketComesInByAGatewayInPlaintextAndByTLS(t *testing.T) {
	shop := newPair(t, "shop.example.com")
	s := openStore(t)
	apply(t, s, strings.ReplaceAll(secured, ", tls: {httpsRedirect: true}", "")+secret("shop", shop, "")+secret("any", shop, ""))
	at, entries := gatewayTo(t, s, chat(t))
	for _, c := range []struct{ listener, proto string }{{"0.0.0.0_8080", "http"}, {"0.0.0.0_8443", "https"}} {
		t.Run(c.proto, func(t *testing.T) {
			var conn net.Conn
			conn, err := net.Dial("tcp", at[c.listener])
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			if c.proto == "https" {
				config := trusting(shop)
				config.ServerName, config.NextProtos = "shop.example.com", []string{"http/1.1"}
				conn = tls.Client(conn, config)
			}
			_, _ = io.WriteString(conn, "GET /old/chat HTTP/1.1\r\nHost: shop.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			from := bufio.NewReader(conn)
			response, err := http.ReadResponse(from, nil)
			if err != nil || response.StatusCode != 101 || response.Header.Get("Got-Proto") != c.proto || response.Header.Get("Got-Path") != "/new/chat" {
				t.Fatalf("%v, %v", response, err)
			}
			text := strings.Repeat("x", 1<<20) + "\n"
			go func() { _, _ = io.WriteString(conn, text) }()
			if got, err := from.ReadString('\n'); err != nil || got != text {
				t.Errorf("%d bytes come back, %v", len(got), err)
			}
			_ = conn.Close()
			if e := <-entries; e.Status != 101 || e.BytesSent < int64(len(text)) {
				t.Errorf("recorded: %+v", e)
			}
		})
	}
}
