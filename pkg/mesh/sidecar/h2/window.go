package h2

import "golang.org/x/net/http2"

const maxWindow = 1<<31 - 1

func (c *Conn) onWindowUpdate(f *http2.WindowUpdateFrame) error {
	c.mu.Lock()
	if err := c.spendLocked("WINDOW_UPDATE"); err != nil {
		c.mu.Unlock()
		return err
	}
	inc := int64(f.Increment)
	if f.StreamID == 0 {
		defer c.mu.Unlock()
		if c.sendWindow += inc; c.sendWindow > maxWindow {
			return &connError{http2.ErrCodeFlowControl, "a window beyond 2^31-1"}
		}
		return nil
	}
	s := c.streams[f.StreamID]
	if s == nil {
		defer c.mu.Unlock()
		if c.idle(f.StreamID) {
			return protocolError("WINDOW_UPDATE on a stream that is not open")
		}
		return nil
	}
	if s.sendWindow+inc > maxWindow {
		c.mu.Unlock()
		return c.abort(s, http2.ErrCodeFlowControl, "a window beyond 2^31-1")
	}
	s.sendWindow += inc
	c.wake(s)
	c.mu.Unlock()
	return nil
}

// wake lets a stream send whose window has grown. c.mu is held.
func (c *Conn) wake(s *Stream) {
	if s.queue.len() > 0 {
		c.makeReady(s)
	}
}

func (c *Conn) onSettings(f *http2.SettingsFrame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.spendLocked("SETTINGS"); err != nil || f.IsAck() {
		return err
	}
	if f.NumSettings() > 64 {
		return calm("more settings than there are")
	}
	if c.client && !c.limitsKnown {
		c.limitsKnown = true
		c.peerMaxStreams = c.opt.MaxConcurrentStreams // unless they say less
		c.capacity()
	}
	if err := f.ForeachSetting(c.apply); err != nil {
		return err
	}
	_ = c.fw.WriteSettingsAck()
	return nil
}

// capacity notifies those who wait for it that streams can be opened. c.mu is held.
func (c *Conn) capacity() {
	if c.starved && c.open < c.peerMaxStreams {
		c.starved = false
		c.changed = true
		c.deliver()
	}
}

// apply takes one setting of the peer. c.mu is held.
func (c *Conn) apply(set http2.Setting) error {
	if err := set.Valid(); err != nil {
		code := http2.ErrCodeProtocol
		if set.ID == http2.SettingInitialWindowSize {
			code = http2.ErrCodeFlowControl
		}
		return &connError{code, "an invalid setting: " + set.String()}
	}
	switch set.ID {
	case http2.SettingHeaderTableSize:
		c.enc.SetMaxDynamicTableSize(min(set.Val, tableSize))
	case http2.SettingEnablePush:
		if c.client && set.Val != 0 {
			return protocolError("SETTINGS_ENABLE_PUSH from a server")
		}
	case http2.SettingMaxConcurrentStreams:
		if c.client {
			c.peerMaxStreams = min(set.Val, c.opt.MaxConcurrentStreams)
			c.capacity()
		}
	case http2.SettingMaxHeaderListSize:
		c.peerHeaderList = int(set.Val)
	case http2.SettingInitialWindowSize:
		return c.resizeWindows(int64(set.Val))
	}
	return nil
}

// resizeWindows gives all streams the difference to what they started with, which can leave less than nothing.
func (c *Conn) resizeWindows(size int64) error {
	delta := size - c.peerStreamWindow
	c.peerStreamWindow = size
	for _, s := range c.streams {
		if s.sendWindow += delta; s.sendWindow > maxWindow {
			return &connError{http2.ErrCodeFlowControl, "a window beyond 2^31-1"}
		}
		if delta > 0 {
			c.wake(s)
		}
	}
	return nil
}
