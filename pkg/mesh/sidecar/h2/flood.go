package h2

import (
	"time"

	"golang.org/x/net/http2"
)

// budget limits frames that cost work and carry nothing. It holds limit tokens and gains rate of them a second.
type budget struct {
	tokens, limit int
	rate          int
	filled        time.Time // when tokens were last added for time
}

// take takes n tokens and reports whether there were as many. It asks for the time only when they run out.
func (b *budget) take(n int) bool {
	if b.tokens < n {
		now := time.Now()
		if b.filled.IsZero() {
			b.tokens = b.limit // the first time: all of them
		} else {
			b.give(int(min(now.Sub(b.filled), time.Minute) * time.Duration(b.rate) / time.Second))
		}
		b.filled = now
	}
	if b.tokens < n {
		return false
	}
	b.tokens -= n
	return true
}

func (b *budget) give(n int) { b.tokens = min(b.tokens+n, b.limit) }

// What a peer may do that is useful only in moderation. A flood is at least a hundred times as fast.
const (
	controlLimit = 4096 // PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA, unknown frames: at once,
	controlRate  = 1024 // a second,
	controlEarn  = 8    // and for each frame of a message in either direction

	resetLimit = 4096 // streams reset soon, or refused: at once,
	resetRate  = 1024 // a second,
	resetEarn  = 1    // and for each stream that ends well
	// A stream that has lasted this long counts as none of them: that many at a time are permitted, so they are no flood.
	resetSoon = 50 * time.Millisecond

	// A client passes on resets of many callers, which the server sees on one connection. Beyond a quarter of what the server permits,
	// it keeps each back until the stream has lasted for twice that time. The rest is for those that arrive late and together.
	resetHold = 2 * resetSoon

	maxContinuations = 128 // CONTINUATION frames of one header block
)

// keepBack returns how long the RST_STREAM of a client's stream has to wait. c.mu is held.
func (c *Conn) keepBack(s *Stream) time.Duration {
	if !c.client {
		return 0
	}
	wait := resetHold - time.Since(s.opened)
	if wait <= 0 || c.canceled.take(1) {
		return 0
	}
	return wait
}

// resetLater sends RST_STREAM after a time. Until then the stream counts as open, as it does for the server. c.mu is held.
func (c *Conn) resetLater(id uint32, code http2.ErrCode, wait time.Duration) {
	c.open++
	time.AfterFunc(wait, func() {
		c.mu.Lock()
		_ = c.fw.WriteRSTStream(id, code)
		c.open--
		c.capacity()
		c.finishIfIdle()
		c.mu.Unlock()
		c.group.add(c)
	})
}
