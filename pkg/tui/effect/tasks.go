package effect

import (
	"context"
	"sync"

	tea "charm.land/bubbletea/v2"
)

// tasks are the commands that are running. The end of the screen cancels all of them and waits for them.
type tasks struct {
	mu      sync.Mutex
	closed  bool
	all     sync.WaitGroup
	cancels map[int]task
	next    int // key in cancels
}

// task is how one command is canceled.
type task struct {
	cancel context.CancelFunc
	// interruptible is true if ctrl+c cancels it, too: commands of the palette, and calls.
	interruptible bool
}

// begin registers a command. end must be called when it has returned; ok is false if the screen has ended.
func (t *tasks) begin() (ctx context.Context, end func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, nil, false
	}
	t.all.Add(1)
	ctx, remove := t.add(context.Background(), false)
	return ctx, func() { remove(); t.all.Done() }, true
}

// add registers a context that the end of the screen cancels. The caller holds the lock.
func (t *tasks) add(parent context.Context, interruptible bool) (_ context.Context, remove func()) {
	ctx, cancel := context.WithCancel(parent)
	if t.cancels == nil {
		t.cancels = map[int]task{}
	}
	n := t.next
	t.next++
	t.cancels[n] = task{cancel: cancel, interruptible: interruptible}
	return ctx, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.cancels, n)
		cancel()
	}
}

// interruptible returns a context that interrupt cancels; stop must be called when it is no longer needed.
func (t *tasks) interruptible(parent context.Context) (_ context.Context, stop func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.add(parent, true)
}

// running reports whether a command is running that can be interrupted.
func (t *tasks) running() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, one := range t.cancels {
		if one.interruptible {
			return true
		}
	}
	return false
}

// interrupt cancels the commands that can be interrupted; false if there are none.
func (t *tasks) interrupt() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := false
	for _, one := range t.cancels {
		if one.interruptible {
			one.cancel()
			found = true
		}
	}
	return found
}

// close cancels all commands, lets no other begin, and returns when all have ended.
func (t *tasks) close() {
	t.mu.Lock()
	t.closed = true
	for _, one := range t.cancels {
		one.cancel()
	}
	t.mu.Unlock()
	t.all.Wait()
}

// SendQuit ends the program from where no command can be returned.
func (c *Commands) SendQuit() {
	if _, end, ok := c.tasks.begin(); ok {
		go func() {
			defer end()
			c.send(tea.QuitMsg{})
		}()
	}
}
