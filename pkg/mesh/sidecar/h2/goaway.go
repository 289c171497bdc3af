package h2

import "golang.org/x/net/http2"

// goAway is how far a connection is on its way to an end that harms no stream.
type goAway struct {
	begun  bool   // no more streams are opened by a client; a server has announced the end
	final  bool   // a server has said which stream is the last
	reason string // what the peer gave as its reason, if it was one
}

// graceful is the payload of the PING whose answer shows that the client has seen the announcement.
var graceful = [8]byte{'g', 'o', 'a', 'w', 'a', 'y'}

// GoAway ends the connection when its streams have ended. A client opens no more. A server announces the end, serves what the
// client had sent before it knew, and then refuses the rest, so that no request is lost.
func (c *Conn) GoAway() {
	c.mu.Lock()
	if c.goneAway.begun || c.err != nil {
		c.mu.Unlock()
		return
	}
	c.goneAway.begun = true
	if c.client {
		c.goneAway.final = true
		c.finishIfIdle()
	} else {
		_ = c.fw.WriteGoAway(1<<31-1, http2.ErrCodeNo, nil)
		_ = c.fw.WritePing(false, graceful)
	}
	c.mu.Unlock()
	c.group.add(c)
}

// finishIfIdle ends a connection that was to end with its last stream. c.mu is held.
func (c *Conn) finishIfIdle() {
	if c.goneAway.final && c.open == 0 && !c.finishing && c.err == nil {
		c.finishing = true
		if c.client {
			_ = c.fw.WriteGoAway(0, http2.ErrCodeNo, nil)
		}
	}
}

// onGoAwaySeen is called when the client has answered the PING that followed the announcement.
func (c *Conn) onGoAwaySeen() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.goneAway.begun || c.goneAway.final {
		return
	}
	c.goneAway.final = true
	_ = c.fw.WriteGoAway(c.lastID, http2.ErrCodeNo, nil)
	c.finishIfIdle()
}

// onGoAway is called when the peer ends the connection. Streams that it has not read end as if it had refused them.
func (c *Conn) onGoAway(f *http2.GoAwayFrame) {
	c.mu.Lock()
	if !c.client {
		c.mu.Unlock()
		return
	}
	c.goneAway.begun, c.goneAway.final = true, true
	if f.ErrCode != http2.ErrCodeNo {
		c.goneAway.reason = "GOAWAY " + f.ErrCode.String()
		if d := f.DebugData(); len(d) > 0 {
			c.goneAway.reason += ": " + string(d[:min(len(d), 256)])
		}
	}
	var refused []*Stream
	for id, s := range c.streams {
		if id > f.LastStreamID {
			refused = append(refused, s)
			c.closeStream(s)
		}
	}
	c.finishIfIdle()
	c.changed = true
	c.deliver()
	c.mu.Unlock()
	for _, s := range refused {
		if !s.heard() {
			s.h.Reset(s, &StreamError{Kind: RemoteReset, Code: http2.ErrCodeRefusedStream, Reason: "GOAWAY " + f.ErrCode.String()})
		}
	}
}

// later arranges for the stream's Writable. c.mu is held.
func (c *Conn) later(s *Stream) {
	c.writable = append(c.writable, s)
	c.deliver()
}

// deliver makes sure that delivered runs. These calls have a goroutine, because flush may be running within a handler's write
// to this connection, whose locks they could need. c.mu is held.
func (c *Conn) deliver() {
	if !c.delivering && !c.gone {
		c.delivering = true
		c.wg.Go(c.delivered)
	}
}

func (c *Conn) delivered() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.writable) > 0 || c.changed {
		writable, changed := c.writable, c.changed
		c.writable, c.changed = nil, false
		c.mu.Unlock()
		c.begin()
		if changed && c.opt.Changed != nil {
			c.opt.Changed(c)
		}
		for _, s := range writable {
			if !s.over() {
				s.h.Writable(s)
			}
		}
		c.calls.Unlock()
		c.group.leave(nil)
		c.mu.Lock()
	}
	c.delivering = false
}

func (s *Stream) over() bool {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.closed
}

// heard reports whether a client's handler has received the end of the response, after which it receives no more.
func (s *Stream) heard() bool { return s.c.client && s.remoteEnd }

// closedStreams remembers the last streams that ended, and of which of them the peer may not know it yet.
type closedStreams struct {
	ids  []closedStream
	next int
}

type closedStream struct {
	id    uint32
	reset bool
}

func (r *closedStreams) add(id uint32, reset bool) {
	if len(r.ids) < 1024 {
		r.ids = append(r.ids, closedStream{id, reset})
		return
	}
	r.ids[r.next] = closedStream{id, reset}
	r.next = (r.next + 1) % len(r.ids)
}

// find reports whether the stream is remembered, and whether this side has reset it.
func (r *closedStreams) find(id uint32) (known, reset bool) {
	for _, s := range r.ids {
		if s.id == id {
			return true, s.reset
		}
	}
	return false, false
}
