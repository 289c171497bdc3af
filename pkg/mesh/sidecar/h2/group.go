package h2

import "sync"

// A Group is shared by the connections of a proxy, so that what one read of a socket causes is written with one write for each
// connection it concerns. The zero value is ready.
type Group struct {
	mu     sync.Mutex
	active int     // readers, and calls of Do, that will flush before they wait
	dirty  []*Conn // connections with something to write
}

// Do calls f and then writes what f has caused. It is for writes from outside a handler, such as a timer's: without it each
// would be a system call.
func (g *Group) Do(f func()) {
	g.enter()
	defer func() { g.leave(nil) }()
	f()
}

func (g *Group) enter() {
	g.mu.Lock()
	g.active++
	g.mu.Unlock()
}

// leave flushes every connection that has something to write, and returns the list, empty, for the next time. The one that leaves
// flushes also for those who are still active: they may take long, and flushing twice costs nothing.
func (g *Group) leave(spare []*Conn) []*Conn {
	g.mu.Lock()
	g.active--
	dirty := g.dirty
	g.dirty = spare
	g.mu.Unlock()
	for i, c := range dirty {
		c.dirty.Store(false)
		c.flush()
		dirty[i] = nil
	}
	return dirty[:0]
}

// add notes that c has something to write, and flushes it if no one will.
func (g *Group) add(c *Conn) {
	if c.dirty.Swap(true) {
		return
	}
	g.mu.Lock()
	if g.active > 0 {
		g.dirty = append(g.dirty, c)
		g.mu.Unlock()
		return
	}
	g.mu.Unlock()
	c.dirty.Store(false)
	c.flush()
}
