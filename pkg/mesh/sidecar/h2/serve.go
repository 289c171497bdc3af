package h2

import (
	"context"
	"errors"
	"io"
	"time"

	"golang.org/x/net/http2"
)

// Serve reads the connection until it ends, and calls the handlers. It returns nil if both sides had agreed to end it, and
// otherwise why it was lost. The connection is closed when ctx is done.
func (c *Conn) Serve(ctx context.Context) error {
	defer close(c.done)
	stop := context.AfterFunc(ctx, func() {
		c.mu.Lock()
		c.lose(context.Cause(ctx))
		c.mu.Unlock()
	})
	defer stop()
	c.begin()
	err := c.preface()
	for err == nil {
		err = c.readFrame()
	}
	err = c.end(err)
	c.calls.Unlock()
	c.flushed = c.group.leave(c.flushed)
	c.flush()
	c.linger(err)
	_ = c.nb.Close()
	c.wg.Wait()
	c.nb.wg.Wait()
	return err
}

// input is where the reader's buffer comes from: each read of the socket is the end of one batch and the beginning of another.
type input struct{ c *Conn }

func (i input) Read(p []byte) (int, error) {
	c := i.c
	c.calls.Unlock()
	c.flushed = c.group.leave(c.flushed)
	c.flush()
	n, err := c.conn.Read(p)
	c.begin()
	c.cut = err != nil
	return n, err
}

func (c *Conn) begin() {
	c.group.enter()
	c.calls.Lock()
}

func (c *Conn) preface() error {
	if c.client {
		return nil
	}
	if err := c.conn.SetReadDeadline(time.Now().Add(prefaceTime)); err != nil {
		return err
	}
	p, err := c.br.Peek(len(http2.ClientPreface))
	if err != nil {
		return err
	}
	if string(p) != http2.ClientPreface {
		return protocolError("no HTTP/2 preface")
	}
	_, _ = c.br.Discard(len(p))
	return c.conn.SetReadDeadline(time.Time{})
}

// end notifies the peer and every stream that the connection is over because of err, and returns the reason to report.
func (c *Conn) end(err error) error {
	c.mu.Lock()
	violation, _ := errors.AsType[*connError](err)
	switch {
	case c.err != nil:
		err = c.err
		violation, _ = errors.AsType[*connError](err)
	case violation != nil:
		c.err = err
		_ = c.fw.WriteGoAway(c.lastID, violation.code, []byte(violation.reason))
		c.finishing = true
	case c.finishing || c.goneAway.begun && len(c.streams) == 0:
		err = nil
		c.err = errClosed
	default:
		c.err = err
	}
	c.gone = true
	c.mute = c.mute || violation == nil
	lost := make([]*Stream, 0, len(c.streams))
	for _, s := range c.streams {
		lost = append(lost, s)
	}
	for _, s := range lost {
		c.closeStream(s)
	}
	if c.opt.Changed != nil {
		defer c.opt.Changed(c)
	}
	c.mu.Unlock()
	for _, s := range lost {
		if s.heard() {
			continue
		}
		e := &StreamError{Kind: ConnectionLost, Code: http2.ErrCodeCancel}
		switch {
		case violation != nil:
			e.Kind, e.Code, e.Reason = ProtocolError, violation.code, violation.reason
		case err != nil:
			e.Reason = c.reason(err)
		}
		s.h.Reset(s, e)
	}
	return err
}

// reason is what is known of why the connection was lost. A peer that had announced it has said why.
func (c *Conn) reason(err error) string {
	if r := c.goneAway.reason; r != "" {
		return r
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "EOF"
	}
	return err.Error()
}

// linger reads on for a moment after a last word to the peer, see hangUp.
func (c *Conn) linger(err error) {
	if _, ok := errors.AsType[*connError](err); ok {
		_, _ = io.CopyN(io.Discard, c.conn, 1<<20)
	}
}
