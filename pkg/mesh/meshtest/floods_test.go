package meshtest

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

// Each flood goes on until its connection ends, which it does long before this.
const enough = 1 << 20

func TestFloodsAreFlaggedAndHarmNoNeighbor(t *testing.T) {
	w := attacked(t)
	bounded(t)
	calls := neighbor(t, w)
	passes(t, calls)
	large := strings.Repeat("{", 40<<10)
	for _, flood := range []struct {
		name   string
		send   func(a *attacker, i int) error
		logged []string // in a line of the access log
	}{
		{"rapid reset", func(a *attacker, i int) error {
			if err := a.open(i, true, a.fields(charge)); err != nil {
				return err
			}
			return a.WriteRSTStream(uint32(2*i+1), http2.ErrCodeCancel)
		}, []string{" DPE ", "a_flood_of_RST_STREAM"}},
		{"CONTINUATION", func(a *attacker, i int) error {
			if i == 0 {
				return a.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: a.fields(charge)})
			}
			return a.WriteContinuation(1, false, nil)
		}, []string{" DPE ", "a_flood_of_CONTINUATION"}},
		{"CONTINUATION with headers", func(a *attacker, i int) error {
			if i == 0 {
				return a.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: a.fields(charge)})
			}
			return a.WriteContinuation(1, false, a.fields(charge, "x", large[:12<<10]))
		}, []string{" DPE ", "a_header_list_without_end"}},
		{"SETTINGS", func(a *attacker, i int) error {
			return a.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(i)})
		}, []string{" DPE ", "a_flood_of_SETTINGS"}},
		{"PING", func(a *attacker, _ int) error { return a.WritePing(false, [8]byte{}) }, []string{" DPE ", "a_flood_of_PING"}},
		{"empty DATA", func(a *attacker, i int) error {
			if i == 0 {
				return a.open(0, false, a.fields(charge))
			}
			return a.WriteData(1, false, nil)
		}, []string{" DPE ", "a_flood_of_empty_DATA"}},
		{"headers", func(a *attacker, i int) error {
			if i == 300 {
				return io.EOF // each is answered with 431
			}
			return a.open(i, true, a.fields(charge, "x", large, "y", large))
		}, []string{" 431 DPE ", "http2.headers_too_large"}},
	} {
		t.Run(flood.name, func(t *testing.T) {
			for _, at := range []struct {
				name string
				pod  *pod
				a    *attacker
			}{
				{"a program floods its own sidecar", w.checkout, attack(t, w.checkout.outbound("payment", 50051), nil)},
				{"a peer with a certificate floods payment's", w.payment, attack(t, w.payment.inbound(50051), showing("h2", certificate(t, w.authority, "checkout")))},
				{"plain text floods the shop's front", w.web, attack(t, w.web.inbound(8080), nil)},
			} {
				before := len(at.pod.log.lines(flood.logged...))
				sent := 0
				for err := error(nil); err == nil && sent < enough; sent++ {
					err = flood.send(at.a, sent)
				}
				if sent == enough {
					t.Errorf("%s: %d of them, and the connection goes on", at.name, sent)
				}
				at.pod.log.more(t, before, flood.logged...)
			}
			passes(t, calls)
		})
	}
}

// Many connections, each within its bound, may not use up that of the connection which they share further on.
func TestResetsOfManyCallersDoNotEndTheConnectionThatTheyShare(t *testing.T) {
	w := attacked(t)
	calls := neighbor(t, w)
	passes(t, calls)
	for range 8 {
		a := attack(t, w.checkout.outbound("payment", 50051), nil)
		for i := range 800 {
			if err := a.open(i, true, a.fields(charge)); err != nil {
				t.Fatal(err)
			}
			if err := a.WriteRSTStream(uint32(2*i+1), http2.ErrCodeCancel); err != nil {
				t.Fatal(err)
			}
		}
	}
	passes(t, calls)
	if lines := w.payment.log.lines(" DPE "); len(lines) > 0 {
		t.Errorf("payment's sidecar ended a connection:\n%s", strings.Join(lines, ""))
	}
}

func TestHeadersWithoutEndAreFlaggedInHTTP1(t *testing.T) {
	w := attacked(t)
	bounded(t)
	calls := neighbor(t, w)
	for _, line := range []string{"X-%d: " + strings.Repeat("x", 1000) + "\r\n", "x%d"} {
		before := len(w.web.log.lines(" DPE "))
		conn := connect(t, w.web.inbound(8080))
		_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: web\r\n")
		for i := 0; err == nil && i < enough; i++ {
			_, err = fmt.Fprintf(conn, line, i)
		}
		if err == nil {
			t.Error("the connection goes on")
		}
		w.web.log.more(t, before, " 431 DPE ", "http1.headers_too_large")
	}
	if got := w.visited.take(); len(got) > 0 {
		t.Errorf("the program got %q", got)
	}
	passes(t, calls)
}
