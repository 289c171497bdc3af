// Package embedded is a Redis server for machines that have none: the strings and hashes of Redis, with expiry,
// transactions and watched keys, on SQLite. Its replies are those of a real Redis, down to the text of errors; one test
// suite runs on both.
//
// Redis is single-threaded, and so is this server: one mutex orders all commands. A command that
// writes, or a MULTI block of them, is one SQLite transaction, committed before its reply is sent.
// By then SQLite's log has been written to the kernel (WAL, synchronous NORMAL): the death of this process, even by
// kill -9, loses no acknowledged write. A power failure may lose the last ones.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Version is the Redis release whose behavior is implemented.
const Version = "7.0.15"

// ErrShutdown is returned by Serve after a SHUTDOWN.
var ErrShutdown = errors.New("shut down by a client")

// Config configures a server.
type Config struct {
	// Dir holds the data; empty: in memory.
	Dir string
	// Password that clients must authenticate with; empty: none.
	Password string
	// Now is the clock that keys expire by.
	Now func() time.Time
	Log *slog.Logger
}

// Server is one database that any number of connections share.
type Server struct {
	cfg      Config
	commands map[string]*command
	started  time.Time
	shutdown context.CancelCauseFunc

	mu       sync.Mutex // orders commands; guards everything below
	store    *store
	watchers map[string]map[*session]struct{}
	lastID   int64
	// warnedOfHTTP is when a refused HTTP request was last logged.
	warnedOfHTTP time.Time
}

// Open opens the database in cfg.Dir, or creates one there. One that cannot be read is kept under another name.
func Open(cfg Config) (*Server, error) {
	st, err := openStore(cfg.Dir, cfg.Now, cfg.Log)
	if err != nil {
		return nil, fmt.Errorf("open cart store: %w", err)
	}
	return &Server{
		cfg: cfg, commands: commandTable(), started: cfg.Now(),
		store: st, watchers: map[string]map[*session]struct{}{},
	}, nil
}

// Close closes the database. No connection may be served any more.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store.close()
}

// Serve serves the connections of l until ctx ends (nil), a client sends SHUTDOWN (ErrShutdown) or l fails. Commands
// that have arrived are completed before it returns.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.shutdown = cancel
	var sessions sync.WaitGroup
	defer sessions.Wait()
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	sessions.Go(func() { s.expireInBackground(ctx) })
	var pause time.Duration
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			sessions.Go(func() { s.serveConn(ctx, conn) })
		case ctx.Err() == nil && isTemporary(err):
			if pause == 0 {
				s.cfg.Log.Warn("cannot accept connections now, trying again", "error", err, "hint", "raise the limit on open files: ulimit -n 4096")
			}
			pause = min(max(2*pause, minAcceptPause), maxAcceptPause)
			waitFor(ctx, pause)
		case ctx.Err() == nil && !errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept a connection: %w", err)
		case errors.Is(context.Cause(ctx), ErrShutdown):
			return ErrShutdown
		default:
			return nil
		}
	}
}

// The first and the longest pause after a connection could not be accepted.
const minAcceptPause, maxAcceptPause = 5 * time.Millisecond, time.Second

// isTemporary reports whether an error of Accept passes, such as that of a process with too many open files.
func isTemporary(err error) bool {
	var temporary interface{ Temporary() bool }
	return errors.As(err, &temporary) && temporary.Temporary()
}

// waitFor returns after a pause, or when ctx ends.
func waitFor(ctx context.Context, pause time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}

// expireInBackground removes expired keys that are not accessed any more, as Redis does ten times a second. An access
// finds expired keys at once.
func (s *Server) expireInBackground(ctx context.Context) {
	const interval, batch = time.Second, 200
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.removeExpired(batch); err != nil {
			s.cfg.Log.Warn("remove expired keys", "error", err)
		}
	}
}

func (s *Server) removeExpired(limit int) error {
	return s.locked(true, func() error {
		keys, err := s.store.expired(limit)
		if err != nil {
			return err
		}
		for _, key := range keys {
			if _, err := s.store.remove(key); err != nil {
				return err
			}
		}
		return nil
	})
}

// locked runs work under the mutex, as one transaction if it writes, and notifies the watchers of the changed keys.
func (s *Server) locked(writes bool, work func() error) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !writes {
		return work()
	}
	if err := s.store.begin(); err != nil {
		return err
	}
	committed := false
	defer func() {
		if !committed { // a panic too
			err = errors.Join(err, s.store.rollback())
		}
	}()
	if err := work(); err != nil {
		return err
	}
	changed, err := s.store.commit()
	if err != nil {
		return err
	}
	committed = true
	for key := range changed {
		for w := range s.watchers[key] {
			w.dirty = true
		}
	}
	return nil
}
