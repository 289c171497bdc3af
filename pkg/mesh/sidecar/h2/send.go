package h2

import (
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	// outTarget is how much DATA is framed ahead of the socket. Less would cost system calls, more only memory.
	outTarget = 64 << 10
	maxFrame  = 16 << 10 // every peer takes frames of this size
	// A buffer that has grown past this is not kept.
	maxKept = 128 << 10
)

// fifo is a queue of bytes that moves them only when its space is full.
type fifo struct {
	b    []byte
	head int
}

func (f *fifo) len() int { return len(f.b) - f.head }

func (f *fifo) append(p []byte) {
	if f.head > 0 && len(f.b)+len(p) > cap(f.b) {
		f.b = f.b[:copy(f.b, f.b[f.head:])]
		f.head = 0
	}
	f.b = append(f.b, p...)
}

func (f *fifo) peek(n int) []byte { return f.b[f.head : f.head+n] }

func (f *fifo) drop(n int) {
	if f.head += n; f.head == len(f.b) {
		f.b, f.head = f.b[:0], 0
	}
}

// ring is a list of streams in the order in which they may send.
type ring struct {
	s    []*Stream
	head int
}

func (r *ring) empty() bool { return r.head == len(r.s) }

func (r *ring) push(s *Stream) {
	if r.head > 32 && r.head*2 > len(r.s) {
		n := copy(r.s, r.s[r.head:])
		clear(r.s[n:])
		r.s, r.head = r.s[:n], 0
	}
	r.s = append(r.s, s)
}

func (r *ring) pop() *Stream {
	s := r.s[r.head]
	r.s[r.head] = nil
	if r.head++; r.empty() {
		r.s, r.head = r.s[:0], 0
	}
	return s
}

// output is where the Framer writes: the buffer that the next flush takes.
type output struct{ c *Conn }

func (o output) Write(p []byte) (int, error) {
	if !o.c.mute {
		o.c.out = append(o.c.out, p...)
	}
	return len(p), nil
}

// What follows is called with c.mu held, except flush and resume.

// chunk is how many of n bytes of s the windows permit in one frame.
func (c *Conn) chunk(s *Stream, n int) int {
	return int(max(0, min(int64(n), maxFrame, s.sendWindow, c.sendWindow)))
}

func (c *Conn) frameData(s *Stream, p []byte, end bool) {
	s.sendWindow -= int64(len(p))
	c.sendWindow -= int64(len(p))
	c.control.give(controlEarn)
	_ = c.fw.WriteData(s.id, end, p) // into memory, with a valid id
	if end {
		c.ended(s)
	}
}

func (c *Conn) frameHeaders(s *Stream, fields []hpack.HeaderField, end bool) {
	c.block.Reset()
	for _, f := range fields {
		f.Sensitive = f.Sensitive || unique(f)
		_ = c.enc.WriteField(f)
	}
	block := c.block.Bytes()
	first := block[:min(len(block), maxFrame)]
	block = block[len(first):]
	_ = c.fw.WriteHeaders(http2.HeadersFrameParam{StreamID: s.id, BlockFragment: first, EndStream: end, EndHeaders: len(block) == 0})
	for len(block) > 0 {
		next := block[:min(len(block), maxFrame)]
		block = block[len(next):]
		_ = c.fw.WriteContinuation(s.id, len(block) == 0, next)
	}
	if end {
		c.ended(s)
	}
}

// unique reports whether a field's value hardly comes again: in the peer's table it would only push out values that do.
func unique(f hpack.HeaderField) bool {
	switch f.Name {
	case "x-request-id", "traceparent", "tracestate", "grpc-timeout", "grpc-message", "grpc-trace-bin", "grpc-tags-bin", "b3",
		"grpc-status-details-bin", "content-length", "date", "etag", "if-none-match", "last-modified", "if-modified-since", "age",
		"x-envoy-expected-rq-timeout-ms", "x-envoy-upstream-service-time", "set-cookie":
		return true
	case ":path":
		return strings.IndexByte(f.Value, '?') >= 0
	}
	return len(f.Value) > 512 || strings.HasPrefix(f.Name, "x-b3-")
}

// ended notes that the end of what this side sends of s has been framed.
func (c *Conn) ended(s *Stream) {
	s.localEnd, s.ending = true, true
	c.resets.give(resetEarn)
	switch {
	case s.remoteEnd:
		c.closeStream(s)
	case !c.client:
		// The rest of the request is of no use to anybody.
		c.reset(s, http2.ErrCodeNo)
	}
}

func (c *Conn) makeReady(s *Stream) {
	if s.ready || s.closed || (s.queue.len() > 0 && s.sendWindow <= 0) {
		return
	}
	s.ready = true
	c.ready.push(s)
}

// fill frames what the windows permit of the streams' queues, one frame of each in turn.
func (c *Conn) fill() {
	for len(c.out) < outTarget && !c.ready.empty() {
		if c.sendWindow <= 0 && c.ready.s[c.ready.head].queue.len() > 0 && !c.ready.s[c.ready.head].closed {
			return // only the peer can go on
		}
		s := c.ready.pop()
		s.ready = false
		if s.closed {
			continue
		}
		n := c.chunk(s, s.queue.len())
		if n > 0 || s.queue.len() == 0 && s.trailers == nil {
			last := s.ending && s.trailers == nil && n == s.queue.len()
			if n > 0 || last {
				p := s.queue.peek(n)
				s.queue.drop(n)
				c.frameData(s, p, last)
			}
		}
		switch {
		case s.closed:
		case s.queue.len() > 0:
			c.makeReady(s)
		case s.trailers != nil && !s.localEnd:
			c.frameHeaders(s, s.trailers, true)
		}
		if s.full && s.queue.len() <= HighWater/2 {
			s.full = false
			c.later(s)
		}
		if s.queue.len() == 0 {
			c.recycle(s)
		}
	}
}

func (c *Conn) buffer() []byte {
	if n := len(c.free); n > 0 {
		b := c.free[n-1]
		c.free = c.free[:n-1]
		return b
	}
	return nil
}

func (c *Conn) recycle(s *Stream) {
	if b := s.queue.b; cap(b) > 0 && cap(b) <= maxKept && len(c.free) < 8 {
		c.free = append(c.free, b[:0])
	}
	s.queue = fifo{}
}

// reset notifies the peer that s is over, and forgets it.
func (c *Conn) reset(s *Stream, code http2.ErrCode) {
	if s.closed {
		return
	}
	if s.id != 0 {
		s.reset = true
		if wait := c.keepBack(s); wait > 0 {
			c.resetLater(s.id, code, wait)
		} else {
			_ = c.fw.WriteRSTStream(s.id, code)
		}
	}
	c.closeStream(s)
}

// closeStream forgets s and gives back what it held.
func (c *Conn) closeStream(s *Stream) {
	if s.closed {
		return
	}
	s.closed = true
	c.open--
	if s.id != 0 {
		delete(c.streams, s.id)
		c.recent.add(s.id, s.reset)
	}
	if s.held > 0 {
		c.creditConn(s.held)
		s.held = 0
	}
	s.trailers = nil
	c.recycle(s)
	c.capacity()
	c.finishIfIdle()
}

// creditConn permits the peer n bytes more on the connection, and reports whether something is to be written for it.
func (c *Conn) creditConn(n int) bool {
	c.credit += n
	if c.credit < c.opt.ConnWindow/4 {
		return false
	}
	c.recvWindow += int64(c.credit)
	_ = c.fw.WriteWindowUpdate(0, uint32(c.credit))
	c.credit = 0
	return true
}

func (c *Conn) creditStream(s *Stream, n int) bool {
	if s.remoteEnd || s.closed {
		return false
	}
	s.credit += n
	if s.credit < c.opt.StreamWindow/2 {
		return false
	}
	s.recvWindow += int64(s.credit)
	_ = c.fw.WriteWindowUpdate(s.id, uint32(s.credit))
	s.credit = 0
	return true
}

// flush writes to the socket what it takes, unless another goroutine is doing so, which then goes on for this one.
func (c *Conn) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.blocked && len(c.out) > c.opt.MaxPending {
		c.lose(calm("the peer does not read what it has caused"))
	}
	if c.flushing {
		return
	}
	c.flushing = true
	for !c.blocked && !c.mute {
		c.fill()
		if len(c.out) == 0 {
			break
		}
		p := c.out
		c.out = c.spare[:0]
		c.mu.Unlock()
		_, err := c.conn.Write(p)
		c.mu.Lock()
		c.spare = p
		if cap(p) > maxKept {
			c.spare = nil
		}
		if err != nil {
			c.lose(err)
			break
		}
		c.blocked = c.nb.wait(c.resume)
	}
	c.flushing = false
	if c.finishing && !c.blocked && !c.mute {
		c.mute = true
		c.hangUp()
	}
}

// resume is called when the socket has taken all that an earlier write left.
func (c *Conn) resume() {
	c.mu.Lock()
	c.blocked = false
	c.mu.Unlock()
	c.flush()
}
