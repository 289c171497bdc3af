package meshtest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A request is smuggled if the program finds another in it than the sidecar. What is hidden in each asks for the
// administration, which the sidecar's policy denies.
const hidden = "GET /admin HTTP/1.1\r\nHost: web\r\n\r\n"

func TestNoRequestIsSmuggledThroughHTTP1(t *testing.T) {
	w := attacked(t)
	calls := neighbor(t, w)
	long := fmt.Sprint(len(hidden))
	for name, text := range map[string]string{
		"Content-Length and Transfer-Encoding":        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
		"Transfer-Encoding and Content-Length":        "Transfer-Encoding: chunked\r\nContent-Length: " + long + "\r\n\r\n0\r\n\r\n" + hidden,
		"a space before the colon":                    "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + hidden,
		"an unknown coding":                           "Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + hidden,
		"two codings":                                 "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + hidden,
		"a list of codings":                           "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + hidden,
		"a coding behind a control character":         "Transfer-Encoding: \x0bchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + hidden,
		"a coding in a folded line":                   "Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + hidden,
		"a header in a folded line":                   "X-A: a\r\n Content-Length: " + long + "\r\n\r\n" + hidden,
		"two lengths":                                 "Content-Length: 0\r\nContent-Length: " + long + "\r\n\r\n" + hidden,
		"a list of lengths":                           "Content-Length: 0, " + long + "\r\n\r\n" + hidden,
		"a length with a sign":                        "Content-Length: +" + long + "\r\n\r\n" + hidden,
		"a negative length":                           "Content-Length: -1\r\n\r\n" + hidden,
		"a length in another base":                    "Content-Length: 0x20\r\n\r\n" + hidden,
		"a length beyond all":                         "Content-Length: 18446744073709551616\r\n\r\n" + hidden,
		"a line that ends with CR":                    "X-A: a\rContent-Length: " + long + "\r\n\r\n" + hidden,
		"a line that ends with LF":                    "X-A: a\nContent-Length: 0\n\n" + hidden,
		"a header name with NUL":                      "X\x00A: a\r\n\r\n" + hidden,
		"no header name":                              ": a\r\n\r\n" + hidden,
		"a chunk's size with a sign":                  "Transfer-Encoding: chunked\r\n\r\n+5\r\n" + hidden + "\r\n0\r\n\r\n",
		"a chunk's size in another notation":          "Transfer-Encoding: chunked\r\n\r\n0x5\r\n" + hidden + "\r\n0\r\n\r\n",
		"a chunk's size beyond all":                   "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n" + hidden + "\r\n0\r\n\r\n",
		"a chunk's size that ends with LF":            "Transfer-Encoding: chunked\r\n\r\n5\nabcde\r\n0\r\n\r\n" + hidden,
		"a chunk's extension that hides a line":       "Transfer-Encoding: chunked\r\n\r\n5;a\nabcde\r\n0\r\n\r\n" + hidden,
		"a chunk longer than its size":                "Transfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n" + hidden,
		"a request as the body":                       "Content-Length: " + long + "\r\n\r\n" + hidden,
		"a request as a chunk":                        "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x", len(hidden)) + "\r\n" + hidden + "\r\n0\r\n\r\n",
		"a request as trailers":                       "Transfer-Encoding: chunked\r\n\r\n0\r\nX-A: a\r\n\r\n" + hidden,
		"a length among the trailers":                 "Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n0\r\nContent-Length: " + long + "\r\n\r\n" + hidden,
		"a length that belongs to the connection":     "Connection: Content-Length\r\nContent-Length: " + long + "\r\n\r\n" + hidden,
		"a change to HTTP/2":                          "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n" + hidden,
		"a change to a websocket":                     "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 777\r\n\r\n" + hidden,
		"an expectation that is not waited for":       "Expect: 100-continue\r\nContent-Length: " + long + "\r\n\r\n" + hidden,
		"two hosts":                                   "Host: other\r\n\r\n" + hidden,
		"a body that never comes, and the end of TCP": "Content-Length: 1000\r\n\r\n" + hidden,
	} {
		for _, method := range []string{"POST", "GET"} {
			conn := connect(t, w.web.inbound(8080))
			_, _ = io.WriteString(conn, method+" / HTTP/1.1\r\nHost: web\r\n"+text)
			_ = conn.(*net.TCPConn).CloseWrite()
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			answer, _ := io.ReadAll(conn)
			_ = conn.Close()
			got := w.visited.take()
			if slices.Contains(got, "admin") || len(got) > 1 {
				t.Errorf("%s, %s: the program got %q; the answer is %q", name, method, got, answer)
			}
		}
	}
	passes(t, calls)
	w.web.log.more(t, 10, " 400 DPE ", "http1.codec_error")
}

func TestNoRequestIsSmuggledThroughHTTP2(t *testing.T) {
	w := attacked(t)
	calls := neighbor(t, w)
	words := []string{" DPE ", "http2.violation.of.messaging.rule"}
	for name, pairs := range map[string][]string{
		"CRLF in a value":             {"x-a", "a\r\n\r\n" + hidden},
		"LF in a value":               {"x-a", "a\ncontent-length: 0"},
		"NUL in a value":              {"x-a", "a\x00"},
		"CRLF in a name":              {"x-a: b\r\nx-b", "c"},
		"a colon in a name":           {"x-a:b", "c"},
		"upper case in a name":        {"X-A", "c"},
		"Transfer-Encoding":           {"transfer-encoding", "chunked"},
		"Connection":                  {"connection", "x-a"},
		"Upgrade":                     {"upgrade", "h2c"},
		"a length that is none":       {"content-length", "1, 2"},
		"two lengths":                 {"content-length", "0", "content-length", "5"},
		"a shorter length":            {"content-length", "1"},
		"a pseudo-field at the end":   {":path", "/admin"},
		"an unknown pseudo-field":     {":admin", "1"},
		"two hosts beside an address": {"host", "a", "host", "b"},
	} {
		before := len(w.web.log.lines(words...))
		a := attack(t, w.web.inbound(8080), nil)
		_ = a.open(0, false, a.fields("/", pairs...))
		_ = a.WriteData(1, true, []byte(hidden))
		w.web.log.more(t, before, words...)
		if got := w.visited.take(); slices.Contains(got, "admin") || len(got) > 1 {
			t.Errorf("%s: the program got %q", name, got)
		}
	}
	for name, path := range map[string]string{
		"CRLF": "/ HTTP/1.1\r\nHost: web\r\n\r\n" + hidden, "a space": "/ HTTP/1.1", "no slash": "admin", "empty": "", "of another host": "http://web/admin",
	} {
		before := len(w.web.log.lines(words...))
		a := attack(t, w.web.inbound(8080), nil)
		_ = a.open(0, true, a.fields(path))
		w.web.log.more(t, before, words...)
		if got := w.visited.take(); len(got) > 0 {
			t.Errorf("a path with %s: the program got %q", name, got)
		}
	}
	passes(t, calls)
}

// Policies decide by the name that the program sees, whatever else the request calls itself.
func TestARequestHasOneHost(t *testing.T) {
	w := attacked(t)
	w.apply(`apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: hosts}
spec: {selector: {matchLabels: {app: web}}, action: DENY, rules: [{to: [{operation: {hosts: [secret.example]}}]}]}
`)
	for text, want := range map[string]int{
		"GET / HTTP/1.1\r\nHost: secret.example\r\n\r\n":                          403,
		"GET / HTTP/1.1\r\nHost: SECRET.example\r\n\r\n":                          403,
		"GET http://secret.example/ HTTP/1.1\r\nHost: web\r\n\r\n":                403,
		"GET http://web/ HTTP/1.1\r\nHost: secret.example\r\n\r\n":                200,
		"GET / HTTP/1.1\r\nHost: web\r\nX-Forwarded-Host: secret.example\r\n\r\n": 200,
	} {
		response, _ := raw(t, connect(t, w.web.inbound(8080)), text)
		if response == nil || response.StatusCode != want || want == 200 && response.Header.Get("X-Host") != "web" {
			t.Errorf("%q: %v", text, response)
		}
	}
	w.visited.take()
	a := attack(t, w.web.inbound(8080), nil)
	_ = a.open(0, true, a.fields("/", "host", "secret.example"))
	w.web.log.more(t, 0, `"POST / HTTP/2" 200 `)
	if got := w.visited.take(); !slices.Equal(got, []string{"public"}) {
		t.Errorf(":authority beside another host: the program got %q", got)
	}
}

// A program that answers once more than it was asked must not answer the next request, which is another caller's.
func TestAnAnswerThatNoOneAskedForReachesNobody(t *testing.T) {
	const first, second = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond"
	for name, answer := range map[string]string{
		"two answers":                          first + second,
		"a longer body than its length":        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst " + second,
		"a body where there is none":           "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n" + second,
		"a length and a coding":                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n\r\n" + second,
		"an answer after its end by a trailer": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\nX-A: a\r\n\r\n" + second,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, "")
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			wg.Go(func() {
				for {
					conn, err := ln.Accept()
					if err != nil {
						return
					}
					wg.Go(func() {
						defer conn.Close()
						for r := bufio.NewReader(conn); ; {
							if _, err := http.ReadRequest(r); err != nil {
								return
							}
							_, _ = io.WriteString(conn, answer)
						}
					})
				}
			})
			t.Cleanup(func() { _ = ln.Close(); wg.Wait() })
			web := s.join("web-1", "web", served{"web", 80, 8080, ln.Addr().String()})
			for i := range 20 {
				response, body := raw(t, connect(t, web.inbound(8080)), "GET / HTTP/1.1\r\nHost: web\r\n\r\n")
				if response != nil && strings.Contains(body, "second") {
					t.Fatalf("request %d gets %q", i, body)
				}
			}
		})
	}
}
