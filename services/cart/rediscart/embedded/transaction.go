package embedded

import "github.com/tidwall/redcon"

// The commands of transactions: MULTI, EXEC, DISCARD, WATCH, UNWATCH.

func (c *session) cmdMulti([][]byte) error {
	if c.multi {
		return replyError("ERR MULTI calls can not be nested")
	}
	c.multi = true
	return c.ok()
}

func (c *session) cmdDiscard([][]byte) error {
	if !c.multi {
		return replyError("ERR DISCARD without MULTI")
	}
	c.endMulti()
	c.unwatch()
	return c.ok()
}

func (c *session) endMulti() {
	c.multi, c.failed, c.queue = false, false, nil
}

func (c *session) cmdExec([][]byte) error {
	if !c.multi {
		return replyError("ERR EXEC without MULTI")
	}
	queue, failed := c.queue, c.failed
	c.endMulti()
	if failed {
		c.unwatch()
		return replyError("EXECABORT Transaction discarded because of previous errors.")
	}
	writes := false
	for _, r := range queue {
		writes = writes || r.command.writes
	}
	c.execute(writes, func() error {
		c.executing = true
		defer func() { c.executing = false; c.unwatchLocked() }()
		stale, err := c.stale()
		if err != nil {
			return err
		}
		if stale {
			c.out = c.protocol.appendNilArray(c.out)
			return nil
		}
		c.out = redcon.AppendArray(c.out, len(queue))
		for _, r := range queue {
			if err := c.run(r); err != nil {
				return err
			}
		}
		return nil
	})
	return nil
}

// stale reports whether a watched key was changed, or has expired, since WATCH.
func (c *session) stale() (bool, error) {
	for _, w := range c.watched {
		_, exists, err := c.server.store.find([]byte(w.key))
		if err != nil || (w.existed && !exists) {
			return true, err
		}
	}
	return c.dirty, nil
}

func (c *session) cmdWatch(args [][]byte) error {
	if c.multi {
		return replyError("ERR WATCH inside MULTI is not allowed")
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	for _, key := range args[1:] {
		_, exists, err := c.server.store.find(key)
		if err != nil {
			return err
		}
		w := watch{string(key), exists}
		c.watched = append(c.watched, w)
		if c.server.watchers[w.key] == nil {
			c.server.watchers[w.key] = map[*session]struct{}{}
		}
		c.server.watchers[w.key][c] = struct{}{}
	}
	return c.ok()
}

func (c *session) cmdUnwatch([][]byte) error {
	if !c.executing { // EXEC forgets them anyway
		c.unwatch()
	}
	return c.ok()
}
