package lesson

import (
	"sync"

	"github.com/shopctl/shopctl/pkg/lesson/progress"
)

// saver writes the progress of a lesson in a goroutine of its own: neither a slow disk nor another process that holds
// the file's lock holds up the lesson. Of several states that wait, the latest is written.
type saver struct {
	store *progress.Store
	id    string
	// report is called after each write.
	report func(aside string, err error)
	ended  sync.WaitGroup

	mu     sync.Mutex
	latest *progress.Lesson // nil: nothing waits
	wake   chan struct{}
}

func newSaver(store *progress.Store, id string, report func(aside string, err error)) *saver {
	w := &saver{store: store, id: id, report: report, wake: make(chan struct{}, 1)}
	w.ended.Go(w.run)
	return w
}

// save has a copy of a state written.
func (w *saver) save(l *progress.Lesson) {
	w.mu.Lock()
	w.latest = l.Clone()
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default: // the writer has yet to look
	}
}

func (w *saver) run() {
	for range w.wake {
		w.mu.Lock()
		l := w.latest
		w.latest = nil
		w.mu.Unlock()
		if l != nil {
			w.report(w.store.Save(w.id, l))
		}
	}
}

// close writes what waits, and ends the goroutine. It must not be called twice, nor before a save.
func (w *saver) close() {
	close(w.wake)
	w.ended.Wait()
}
