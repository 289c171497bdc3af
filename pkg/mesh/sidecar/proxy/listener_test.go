package proxy

import (
	"net"
	"testing"
)

func TestAListenerThatStopsTakesTheConnectionsThatWaitForIt(t *testing.T) {
	const waiting = 3
	for range 50 { // whether the listener is stopped or asked for a connection first is not up to the test
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		for range waiting {
			conn, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
		}
		l := &listener{ln: ln, accepted: make(chan struct{}), conns: map[*downstream]struct{}{}}
		idle := make(chan (<-chan struct{}))
		go func() { idle <- l.stop() }()
		taken := 0
		for {
			conn, err := ln.Accept()
			if err != nil {
				break
			}
			taken++
			t.Cleanup(func() { _ = conn.Close() })
		}
		close(l.accepted)
		<-<-idle
		if taken != waiting {
			t.Fatalf("%d connections of %d were taken", taken, waiting)
		}
	}
}
