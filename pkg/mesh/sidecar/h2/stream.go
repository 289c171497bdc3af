package h2

import (
	"slices"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// HighWater is the size of a stream's queue from which on its writer should stop, until Writable.
const HighWater = 64 << 10

// A Handler receives one stream. Its methods are called one at a time for all streams of a connection, mostly by the connection's
// reader, and must not wait for anything but a short lock. They may write to any stream.
//
// A handler receives nothing more after Reset, after a Stream.Reset of its own (but for a call that had begun), in the role of a
// client after the response has ended, and in the role of a server after the response has been sent and the request has ended. A server
// which ends its response before the request has ended receives no more either: NO_ERROR asks the peer to stop.
type Handler interface {
	// Headers is the request or the response, pseudo-header fields first, names in lower case. The handler may change fields, and
	// append to it, but not keep it: it is valid during the call. With end it is all of it: a response that ends here and carries grpc-status is Trailers-Only. Informational
	// responses (1xx) do not arrive here.
	Headers(s *Stream, fields []hpack.HeaderField, end bool)
	// Data is a part of the body, valid during the call. The peer may send more once Stream.Consumed has been called for it.
	Data(s *Stream, p []byte, end bool)
	// Trailers is the end of a body that has fields after it, which are valid during the call, too.
	Trailers(s *Stream, fields []hpack.HeaderField)
	// Reset is the end of a stream that the peer, or the loss of the connection, has cut short.
	Reset(s *Stream, err *StreamError)
	// Writable means that the stream's queue, which had reached HighWater, has fallen to half of it.
	Writable(s *Stream)
}

// A Stream is one request and its response. Its methods may be called by any goroutine, and do not wait.
type Stream struct {
	c  *Conn
	id uint32 // 0 before WriteHeaders, for a client
	h  Handler

	// Of the reader.
	gotHeaders bool
	declared   int64 // content-length, or -1
	received   int64

	// The rest belongs to c.mu.
	opened     time.Time
	sendWindow int64 // what may be sent
	recvWindow int64 // what the peer may send
	held       int   // received, and not yet consumed
	credit     int   // consumed, and the peer not yet told
	queue      fifo
	trailers   []hpack.HeaderField // to be sent after the queue
	ending     bool                // the end is to be sent after queue and trailers
	headers    bool                // final headers have been sent
	localEnd   bool                // the end has been sent
	remoteEnd  bool
	closed     bool
	reset      bool // by this side: what the peer sends until it knows is ignored
	ready      bool // in c.ready
	full       bool // the queue has reached HighWater, and Writable is due
	bodiless   bool // a response to HEAD: content-length says nothing
}

// ID is the stream's number on its connection, or 0 before it has one.
func (s *Stream) ID() uint32 {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.id
}

// Conn is the connection of the stream.
func (s *Stream) Conn() *Conn { return s.c }

// WriteHeaders sends a request or a response, and does not keep its fields. A server may send informational responses (1xx) before its
// response.
func (s *Stream) WriteHeaders(fields []hpack.HeaderField, end bool) error {
	c := s.c
	c.mu.Lock()
	err := s.writeHeaders(fields, end)
	c.mu.Unlock()
	c.group.add(c)
	return err
}

func (s *Stream) writeHeaders(fields []hpack.HeaderField, end bool) error {
	c := s.c
	if s.closed || s.ending || s.headers {
		return ErrStreamClosed
	}
	if c.peerHeaderList > 0 && listSize(fields) > c.peerHeaderList {
		return ErrHeaderListSize
	}
	if s.id == 0 {
		if c.leaving() {
			c.closeStream(s)
			return ErrGoingAway
		}
		s.id = c.nextID
		c.nextID += 2
		s.opened = time.Now()
		s.sendWindow = c.peerStreamWindow
		s.recvWindow = int64(c.opt.StreamWindow)
		c.streams[s.id] = s
		s.bodiless = value(fields, ":method") == "HEAD"
	}
	s.headers = c.client || !informational(fields)
	c.frameHeaders(s, fields, end)
	return nil
}

// WriteData sends p, or queues what the peer does not permit to be sent yet. The queue's bound is the window of the stream that p
// comes from, if the caller leaves it unconsumed while Queued is at HighWater or above.
func (s *Stream) WriteData(p []byte, end bool) error {
	c := s.c
	c.mu.Lock()
	if s.closed || s.ending || s.localEnd || !s.headers {
		c.mu.Unlock()
		return ErrStreamClosed
	}
	s.ending = end
	if s.queue.len() == 0 && !s.ready && c.ready.empty() && len(c.out) < outTarget {
		for len(p) > 0 || s.ending {
			n := c.chunk(s, len(p))
			if n == 0 && len(p) > 0 {
				break
			}
			c.frameData(s, p[:n], s.ending && n == len(p))
			p = p[n:]
			if len(p) == 0 {
				break
			}
		}
	}
	if len(p) > 0 && !s.closed {
		if s.queue.b == nil {
			s.queue.b = c.buffer()
		}
		s.queue.append(p)
		s.full = s.full || s.queue.len() >= HighWater
		c.makeReady(s)
	} else if s.ending && !s.localEnd && !s.closed {
		c.makeReady(s)
	}
	c.mu.Unlock()
	c.group.add(c)
	return nil
}

// WriteTrailers ends the stream's message with fields after its body. It does not keep them.
func (s *Stream) WriteTrailers(fields []hpack.HeaderField) error {
	c := s.c
	c.mu.Lock()
	if s.closed || s.ending || s.localEnd || !s.headers {
		c.mu.Unlock()
		return ErrStreamClosed
	}
	s.ending = true
	if s.queue.len() == 0 {
		c.frameHeaders(s, fields, true)
	} else {
		s.trailers = slices.Clone(fields)
	}
	c.mu.Unlock()
	c.group.add(c)
	return nil
}

// Reset ends the stream for both sides at once, and drops what is queued. It has no effect on a stream that has ended.
func (s *Stream) Reset(code http2.ErrCode) {
	c := s.c
	c.mu.Lock()
	c.reset(s, code)
	c.mu.Unlock()
	c.group.add(c)
}

// Consumed permits the peer to send n bytes more, which the handler has had by Data.
func (s *Stream) Consumed(n int) {
	c := s.c
	c.mu.Lock()
	n = min(n, s.held)
	if n <= 0 || s.closed { // closeStream has credited the connection
		c.mu.Unlock()
		return
	}
	s.held -= n
	write := c.creditConn(n)
	write = c.creditStream(s, n) || write
	c.mu.Unlock()
	if write {
		c.group.add(c)
	}
}

// Queued is the number of bytes that wait for the peer's windows.
func (s *Stream) Queued() int {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.queue.len()
}
