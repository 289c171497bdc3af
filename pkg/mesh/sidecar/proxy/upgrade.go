package proxy

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2/hpack"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
)

// websocket is the only protocol that a request can change to, as in Istio. It goes on over connections of HTTP/1.1 alone.
const websocket = "websocket"

// upgrades reports whether headers of HTTP/1.1 are those of a change to websocket.
func upgrades(h http.Header) bool {
	return httpguts.HeaderValuesContainsToken(h["Connection"], "upgrade") && strings.EqualFold(h.Get("Upgrade"), websocket)
}

// upgradeFields are the headers that a change of the protocol has, which others of one connection do not.
func upgradeFields() field.Fields {
	return field.Fields{{Name: "connection", Value: "Upgrade"}, {Name: "upgrade", Value: websocket}}
}

// upgrade takes over the caller's connection, which speaks another protocol from now on, and returns when one side has ended it.
func (s *stream1) upgrade(w http.ResponseWriter, c *call, headers field.Fields) bool {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return false
	}
	defer c.d.hijacked()
	var b strings.Builder
	b.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	for _, f := range headers {
		if !strings.HasPrefix(f.Name, ":") && (!hopByHop(f.Name) || f.Name == "upgrade" || f.Name == "connection") {
			b.WriteString(http.CanonicalHeaderKey(f.Name) + ": " + f.Value + "\r\n")
		}
	}
	var reading sync.WaitGroup
	defer reading.Wait()
	defer conn.Close()
	if _, err := io.WriteString(conn, b.String()+"\r\n"); err != nil {
		return false
	}
	reading.Go(func() {
		if copyBody(buffered, s.room, func(p []byte) { c.Data(nil, p, false) }) == io.EOF {
			c.Data(nil, nil, true)
		}
		s.fail()
	})
	for {
		p, end, ok := s.next()
		if !ok {
			return true // one of the sides has closed
		}
		if _, err := conn.Write(p); err != nil || end {
			return true
		}
	}
}

// switched passes on both directions after the host has changed the protocol, until one of its sides ends.
func (s *request1) switched(response *http.Response) {
	fields := append(field.Fields{{Name: ":status", Value: strconv.Itoa(response.StatusCode)}}, headerFields(response.Header)...)
	s.h.Headers(nil, append(fields, upgradeFields()...), false)
	var writing sync.WaitGroup
	writing.Go(func() {
		_, _ = io.Copy(s.u.conn, &body1{s})
		s.u.close() // also ends the read below: a websocket has said goodbye by then
	})
	_ = copyBody(s.u.br, s.room, func(p []byte) { s.h.Data(nil, p, false) })
	s.h.Data(nil, nil, true)
	s.fail()
	s.u.close()
	writing.Wait()
	s.u.release(false)
}

// upgrading reports whether fields ask for another protocol.
func upgrading(fields []hpack.HeaderField) bool {
	return field.Fields(fields).Get("upgrade") == websocket
}
