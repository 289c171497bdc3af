package h2

import "time"

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

	resetLimit = 512 // streams reset or refused: at once,
	resetRate  = 256 // a second,
	resetEarn  = 1   // and for each stream that ends well

	maxContinuations = 128 // CONTINUATION frames of one header block
)
