package h2

import (
	"errors"
	"strconv"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// headerBlock is what has arrived of HEADERS and its CONTINUATION frames.
type headerBlock struct {
	id     uint32
	end    bool // of the stream
	loop   bool // the stream depends on itself
	bytes  int
	frames int
	size   int // of the list, as HTTP/2 counts it
	tooBig bool
	fields []hpack.HeaderField // of this block; the array serves for all
}

func (c *Conn) onHeaders(f *http2.HeadersFrame) error {
	clear(c.hdr.fields)
	c.hdr = headerBlock{id: f.StreamID, end: f.StreamEnded(), loop: f.HasPriority() && f.Priority.StreamDep == f.StreamID, fields: c.hdr.fields[:0]}
	c.dec.SetEmitEnabled(true)
	// Longer lists are refused, but decoded as far as this, for the sake of the connection's other streams.
	c.dec.SetMaxStringLength(4 * c.opt.MaxHeaderList)
	return c.fragment(f.HeaderBlockFragment(), f.HeadersEnded())
}

func (c *Conn) onContinuation(f *http2.ContinuationFrame) error {
	if c.hdr.frames++; c.hdr.frames > maxContinuations {
		return calm("a flood of CONTINUATION")
	}
	return c.fragment(f.HeaderBlockFragment(), f.HeadersEnded())
}

func (c *Conn) fragment(p []byte, last bool) error {
	if c.hdr.bytes += len(p); c.hdr.bytes > 4*c.opt.MaxHeaderList {
		return calm("a header list without end")
	}
	if _, err := c.dec.Write(p); err != nil {
		return decodingError(err)
	}
	if !last {
		return nil
	}
	if err := c.dec.Close(); err != nil {
		return decodingError(err)
	}
	return c.onBlock()
}

func decodingError(err error) error {
	if errors.Is(err, hpack.ErrStringLength) {
		return calm("a header field without end")
	}
	return &connError{http2.ErrCodeCompression, err.Error()}
}

// field is called by the decoder.
func (c *Conn) field(f hpack.HeaderField) {
	if c.hdr.size += int(f.Size()); c.hdr.size > c.opt.MaxHeaderList {
		c.hdr.tooBig = true
		c.dec.SetEmitEnabled(false)
		return
	}
	c.hdr.fields = append(c.hdr.fields, f)
}

// onBlock acts on a complete header block.
func (c *Conn) onBlock() error {
	b := &c.hdr
	c.mu.Lock()
	s := c.streams[b.id]
	c.mu.Unlock()
	switch {
	case s == nil && c.client:
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.idle(b.id) {
			return protocolError("HEADERS on a stream that is not open")
		}
		return nil // sent before the server knew that the stream had ended
	case s == nil:
		return c.onRequest(b)
	case s.remoteEnd:
		return c.abort(s, http2.ErrCodeStreamClosed, "HEADERS after the end of the stream")
	case b.loop:
		return c.abort(s, http2.ErrCodeProtocol, "a stream that depends on itself")
	case b.tooBig:
		return c.abort(s, http2.ErrCodeEnhanceYourCalm, "the header list is larger than "+strconv.Itoa(c.opt.MaxHeaderList)+" bytes")
	case s.gotHeaders:
		return c.onTrailers(s, b)
	default:
		return c.onResponse(s, b)
	}
}

func (c *Conn) onRequest(b *headerBlock) error {
	s, err := c.admit(b)
	if s == nil {
		return err
	}
	s.h = c.accept(s)
	if b.tooBig {
		_ = s.WriteHeaders([]hpack.HeaderField{{Name: ":status", Value: "431"}, {Name: "content-length", Value: "0"}}, true)
		s.h.Reset(s, &StreamError{Kind: ProtocolError, Code: http2.ErrCodeEnhanceYourCalm, Reason: "the header list is larger than " + strconv.Itoa(c.opt.MaxHeaderList) + " bytes"})
		return nil
	}
	fields, reason := checkRequest(b.fields)
	if b.loop {
		reason = "a stream that depends on itself"
	}
	if reason == "" {
		s.declared, reason = declaredLength(fields, b.end)
	}
	if reason != "" {
		return c.abort(s, http2.ErrCodeProtocol, reason)
	}
	s.h.Headers(s, fields, b.end)
	return nil
}

// admit opens the stream of a request, or returns nil.
func (c *Conn) admit(b *headerBlock) (*Stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b.id%2 == 0 {
		return nil, protocolError("a client's stream with an even number")
	}
	if b.id <= c.lastID {
		switch known, reset := c.recent.find(b.id); {
		case reset:
			return nil, nil // sent before the client knew
		case known:
			return nil, &connError{http2.ErrCodeStreamClosed, "HEADERS on a closed stream"}
		}
		return nil, protocolError("a stream with a lower number than the last")
	}
	if c.goneAway.final {
		return nil, nil // GOAWAY has excluded it
	}
	c.lastID = b.id
	if c.open >= c.opt.MaxConcurrentStreams {
		_ = c.fw.WriteRSTStream(b.id, http2.ErrCodeRefusedStream)
		c.recent.add(b.id, true)
		if !c.resets.take(1) {
			return nil, calm("a flood of streams beyond SETTINGS_MAX_CONCURRENT_STREAMS")
		}
		return nil, nil
	}
	c.control.give(controlEarn)
	s := &Stream{
		c: c, id: b.id, gotHeaders: true, declared: -1, remoteEnd: b.end, opened: time.Now(),
		sendWindow: c.peerStreamWindow, recvWindow: int64(c.opt.StreamWindow),
	}
	c.streams[b.id] = s
	c.open++
	return s, nil
}

func (c *Conn) onResponse(s *Stream, b *headerBlock) error {
	status, reason := checkResponse(b.fields)
	switch {
	case reason != "":
	case status == 101 || status < 200 && b.end:
		reason = "an informational response that ends the stream or switches protocols"
	case status < 200:
		return c.spend("informational responses")
	default:
		if status != 204 && status != 304 && !s.bodiless {
			s.declared, reason = declaredLength(b.fields, b.end)
		}
	}
	if reason != "" {
		return c.abort(s, http2.ErrCodeProtocol, reason)
	}
	c.mu.Lock()
	s.gotHeaders = true
	c.control.give(controlEarn)
	c.remoteEnded(s, b.end)
	c.mu.Unlock()
	s.h.Headers(s, b.fields, b.end)
	return nil
}

func (c *Conn) onTrailers(s *Stream, b *headerBlock) error {
	reason := checkTrailers(b.fields)
	switch {
	case !b.end:
		reason = "HEADERS in the middle of a stream"
	case reason == "" && !s.lengthFits(0, true):
		reason = "the body's length is not its content-length"
	}
	if reason != "" {
		return c.abort(s, http2.ErrCodeProtocol, reason)
	}
	c.mu.Lock()
	c.control.give(controlEarn)
	c.remoteEnded(s, true)
	c.mu.Unlock()
	s.h.Trailers(s, b.fields)
	return nil
}
