package h2

import (
	"errors"
	"io"
	"time"

	"golang.org/x/net/http2"
)

// readFrame reads one frame and acts on it. An error ends the connection: a connError is a violation by the peer.
func (c *Conn) readFrame() error {
	head, err := c.fr.ReadFrameHeader()
	if err != nil {
		return c.readError(head, err)
	}
	f, err := c.fr.ReadFrameForHeader(head)
	if err != nil {
		return c.readError(head, err)
	}
	if !c.gotSettings {
		if sf, ok := f.(*http2.SettingsFrame); !ok || sf.IsAck() {
			return protocolError("the first frame is not SETTINGS")
		}
		c.gotSettings = true
	}
	switch f := f.(type) {
	case *http2.DataFrame:
		return c.onData(f)
	case *http2.HeadersFrame:
		return c.onHeaders(f)
	case *http2.ContinuationFrame:
		return c.onContinuation(f)
	case *http2.WindowUpdateFrame:
		return c.onWindowUpdate(f)
	case *http2.RSTStreamFrame:
		return c.onReset(f)
	case *http2.SettingsFrame:
		return c.onSettings(f)
	case *http2.PingFrame:
		return c.onPing(f)
	case *http2.GoAwayFrame:
		c.onGoAway(f)
		return nil
	case *http2.PushPromiseFrame:
		return protocolError("PUSH_PROMISE, which is switched off")
	case *http2.PriorityFrame:
		return c.onPriority(f)
	default:
		return c.spend("frames of unknown types")
	}
}

// readError makes of an error of the Framer what it means for the connection.
func (c *Conn) readError(head http2.FrameHeader, err error) error {
	if ce, ok := errors.AsType[http2.ConnectionError](err); ok {
		reason := "invalid " + head.Type.String() + " frame"
		if d := c.fr.ErrorDetail(); d != nil {
			reason = d.Error()
		}
		return &connError{http2.ErrCode(ce), reason}
	}
	if se, ok := errors.AsType[http2.StreamError](err); ok {
		if head.Type == http2.FrameHeaders {
			return protocolError("invalid HEADERS frame") // its block is lost, and with it the table of both sides
		}
		return c.onStreamError(se.StreamID, se.Code, "invalid "+head.Type.String()+" frame")
	}
	if errors.Is(err, http2.ErrFrameTooLarge) {
		return &connError{http2.ErrCodeFrameSize, "a frame larger than SETTINGS_MAX_FRAME_SIZE"}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) && !c.cut {
		return &connError{http2.ErrCodeFrameSize, "a " + head.Type.String() + " frame shorter than its fields"}
	}
	return err
}

// onStreamError answers a violation that concerns one stream.
func (c *Conn) onStreamError(id uint32, code http2.ErrCode, reason string) error {
	c.mu.Lock()
	s := c.streams[id]
	if s == nil {
		defer c.mu.Unlock()
		_ = c.fw.WriteRSTStream(id, code)
		return c.spendLocked("invalid frames")
	}
	c.mu.Unlock()
	return c.abort(s, code, reason)
}

// abort ends a stream because of a violation by the peer. Its error is that of a flood of them.
func (c *Conn) abort(s *Stream, code http2.ErrCode, reason string) error {
	c.mu.Lock()
	over := s.closed || s.heard()
	c.reset(s, code)
	calmly := c.resets.take(1)
	c.mu.Unlock()
	if !over {
		s.h.Reset(s, &StreamError{Kind: ProtocolError, Code: code, Reason: reason})
	}
	if !calmly {
		return calm("a flood of invalid streams")
	}
	return nil
}

func (c *Conn) spend(what string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spendLocked(what)
}

func (c *Conn) spendLocked(what string) error {
	if !c.control.take(1) {
		return calm("a flood of " + what)
	}
	return nil
}

// idle reports whether no stream of that number has been opened yet. c.mu is held.
func (c *Conn) idle(id uint32) bool {
	if c.client {
		return id%2 == 0 || id >= c.nextID
	}
	return id%2 == 0 || id > c.lastID
}

func (c *Conn) onData(f *http2.DataFrame) error {
	size, data, end := int(f.Length), f.Data(), f.StreamEnded()
	c.mu.Lock()
	if int64(size) > c.recvWindow {
		c.mu.Unlock()
		return &connError{http2.ErrCodeFlowControl, "more DATA than the connection's window"}
	}
	c.recvWindow -= int64(size)
	s := c.streams[f.StreamID]
	if s == nil {
		defer c.mu.Unlock()
		c.creditConn(size)
		return c.onStray(f.StreamID)
	}
	if code, reason := s.refuse(size, len(data), end); reason != "" {
		c.creditConn(size)
		c.mu.Unlock()
		return c.abort(s, code, reason)
	}
	s.recvWindow -= int64(size)
	if pad := size - len(data); pad > 0 {
		c.creditConn(pad)
		c.creditStream(s, pad)
	}
	s.held += len(data)
	s.received += int64(len(data))
	var err error
	if len(data) > 0 {
		c.control.give(controlEarn)
	} else if !end {
		err = c.spendLocked("empty DATA")
	}
	c.remoteEnded(s, end)
	c.mu.Unlock()
	if err == nil && (len(data) > 0 || end) {
		s.h.Data(s, data, end)
	}
	return err
}

// refuse returns why a DATA frame is not permitted. c.mu is held.
func (s *Stream) refuse(size, n int, end bool) (http2.ErrCode, string) {
	switch {
	case s.remoteEnd:
		return http2.ErrCodeStreamClosed, "DATA after the end of the stream"
	case !s.gotHeaders:
		return http2.ErrCodeProtocol, "DATA before HEADERS"
	case int64(size) > s.recvWindow:
		return http2.ErrCodeFlowControl, "more DATA than the stream's window"
	case !s.lengthFits(n, end):
		return http2.ErrCodeProtocol, "the body's length is not its content-length"
	}
	return 0, ""
}

// lengthFits reports whether n more bytes of body, and its end, are as content-length says.
func (s *Stream) lengthFits(n int, end bool) bool {
	if s.declared < 0 {
		return true
	}
	got := s.received + int64(n)
	return got <= s.declared && (!end || got == s.declared)
}

// remoteEnded notes the end of what the peer sends. c.mu is held.
func (c *Conn) remoteEnded(s *Stream, end bool) {
	if !end {
		return
	}
	s.remoteEnd = true
	if c.client {
		c.canceled.give(resetEarn) // as the server counts
	}
	if s.localEnd {
		c.closeStream(s)
	}
}

// onStray is called for DATA that belongs to no stream. c.mu is held.
func (c *Conn) onStray(id uint32) error {
	if c.idle(id) {
		return protocolError("DATA on a stream that is not open")
	}
	if _, reset := c.recent.find(id); reset || c.client {
		return nil // sent before the peer knew
	}
	_ = c.fw.WriteRSTStream(id, http2.ErrCodeStreamClosed)
	return c.spendLocked("DATA on closed streams")
}

func (c *Conn) onReset(f *http2.RSTStreamFrame) error {
	c.mu.Lock()
	if c.idle(f.StreamID) {
		c.mu.Unlock()
		return protocolError("RST_STREAM on a stream that is not open")
	}
	s := c.streams[f.StreamID]
	if soon := s == nil || time.Since(s.opened) < resetSoon; soon && !c.resets.take(1) {
		c.mu.Unlock()
		return calm("a flood of RST_STREAM")
	}
	if s == nil {
		c.mu.Unlock()
		return nil
	}
	c.closeStream(s)
	c.mu.Unlock()
	if !s.heard() {
		s.h.Reset(s, &StreamError{Kind: RemoteReset, Code: f.ErrCode})
	}
	return nil
}

func (c *Conn) onPing(f *http2.PingFrame) error {
	if f.IsAck() {
		if f.Data == graceful {
			c.onGoAwaySeen()
		}
		return c.spend("PING")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.fw.WritePing(true, f.Data)
	return c.spendLocked("PING")
}

func (c *Conn) onPriority(f *http2.PriorityFrame) error {
	if f.StreamDep == f.StreamID {
		return c.onStreamError(f.StreamID, http2.ErrCodeProtocol, "a stream that depends on itself")
	}
	return c.spend("PRIORITY")
}
