package catalog

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// snapshot holds the current version of the catalog. A reload replaces all of it.
type snapshot struct {
	from    source
	log     *slog.Logger
	current atomic.Pointer[products]
	// always is the original's famous fault: after SIGUSR1 the file is parsed again for every call, until SIGUSR2.
	always atomic.Bool
	// reloading serializes reloads, so that an older version never replaces a newer one.
	reloading sync.Mutex
}

// newSnapshot reads the catalog for the first time. A catalog that cannot be read is an error then.
func newSnapshot(from source, log *slog.Logger) (*snapshot, error) {
	s := &snapshot{from: from, log: log}
	if err := s.reload(); err != nil {
		return nil, err
	}
	return s, nil
}

// reload replaces the current version, or keeps it and returns why.
func (s *snapshot) reload() error {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	data, err := s.from()
	if err != nil {
		return fmt.Errorf("read catalog: %w", err)
	}
	next, err := parse(data)
	if err != nil {
		return fmt.Errorf("read catalog: %w", err)
	}
	s.current.Store(next)
	return nil
}

// products returns the version for a call.
func (s *snapshot) products(ctx context.Context) *products {
	if s.always.Load() {
		s.reloadOrKeep(ctx)
	}
	return s.current.Load()
}

func (s *snapshot) reloadOrKeep(ctx context.Context) bool {
	err := s.reload()
	if err != nil {
		s.log.ErrorContext(ctx, "keep the last good catalog", "error", err.Error())
	}
	return err == nil
}

// handleSignals switches on SIGUSR1 and SIGUSR2 until ctx ends.
func (s *snapshot) handleSignals(ctx context.Context, signals <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case sig := <-signals:
			s.always.Store(sig == syscall.SIGUSR1)
			if sig == syscall.SIGUSR1 {
				s.log.WarnContext(ctx, "parse the catalog again for every call", "until", "SIGUSR2")
			} else {
				s.log.InfoContext(ctx, "parse the catalog when its file changes")
			}
		}
	}
}

// watch checks the file on every tick and reads it again when it has changed, until ctx ends. A deleted file is not a
// change: the last version stays.
func (s *snapshot) watch(ctx context.Context, path string, ticks <-chan time.Time) {
	var seen os.FileInfo
	for {
		// Stat before reading: a change between the two is noticed on the next tick.
		if now, err := os.Stat(path); err == nil {
			if !same(seen, now) && s.reloadOrKeep(ctx) && seen != nil {
				s.log.InfoContext(ctx, "catalog reloaded", "file", path, "products", len(s.current.Load().byID))
			}
			seen = now
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
	}
}

func same(a, b os.FileInfo) bool {
	return a != nil && os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}
