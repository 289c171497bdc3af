// Package durable keeps what a service must not forget in an SQLite database in DATA_DIR: it outlives the process,
// however that ends, and all replicas of the service share it.
package durable

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// Config says what a store keeps, and where.
type Config struct {
	Tables
	// Dir is the directory of the database, which is created; empty: the store is in memory, and forgets.
	Dir string
	// Name is that of the file, without its extension.
	Name string
	Now  func() time.Time
	Log  *slog.Logger
}

// Store is a database that several processes share. Its methods may be called from any goroutine.
type Store struct {
	cfg  Config
	path string // empty: in memory

	mu     sync.Mutex // guards the connection and the rest
	conn   *Conn
	file   fs.FileInfo // of the database as it was opened
	failed error       // of the last write
}

// openTimeout is how long a process waits for another that is opening the same database.
const openTimeout = 10 * time.Second

// Open opens the database, or creates it. One that cannot be read is kept under another name.
func Open(cfg Config) (*Store, error) {
	cfg.Schema = append([]string{"CREATE TABLE IF NOT EXISTS attempt (id INTEGER PRIMARY KEY)"}, cfg.Schema...)
	s := &Store{cfg: cfg}
	if cfg.Dir != "" {
		s.path = filepath.Join(cfg.Dir, cfg.Name+".db")
	}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("open the database of %s, %s: %w; %s", cfg.Content, s.place(), err, NextStep(err))
	}
	return s, nil
}

// open opens the database while no other process does: two that find it damaged must not both replace it.
func (s *Store) open() error {
	if s.path == "" {
		conn, err := s.cfg.open("")
		s.conn = conn
		return err
	}
	if err := os.MkdirAll(s.cfg.Dir, 0o700); err != nil {
		return err
	}
	lock, err := lockFile(s.path+".lock", openTimeout)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }() // which gives the lock back
	// SQLite would create it for everybody to read.
	created, err := os.OpenFile(s.path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err == nil {
		err = created.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if s.conn, err = s.cfg.OpenOrReplace(s.path, s.cfg.Now(), s.cfg.Log); err != nil {
		return err
	}
	s.file, err = os.Stat(s.path)
	return err
}

// lockFile locks a file for as long as it is open.
func lockFile(path string, timeout time.Duration) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(timeout); ; time.Sleep(5 * time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) || time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
		}
	}
}

// Tx runs statements: those of a transaction, or each by itself.
type Tx interface {
	// Exec runs a statement and returns how many rows it changed.
	Exec(text string, args ...driver.Value) (changed int64, err error)
	// Query runs a statement and calls use with each row, whose slices are only valid until it returns.
	Query(use func(row []driver.Value) error, text string, args ...driver.Value) error
}

type tx struct{ conn *Conn }

func (t tx) Exec(text string, args ...driver.Value) (int64, error) {
	result, err := t.conn.Exec(text, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (t tx) Query(use func(row []driver.Value) error, text string, args ...driver.Value) error {
	return t.conn.Query(use, text, args...)
}

// Update runs work as one transaction: if it fails, nothing of it has happened.
func (s *Store) Update(work func(Tx) error) error {
	return s.run(func() error {
		return s.conn.transaction(func() error { return work(tx{s.conn}) })
	})
}

// Each runs work, each statement of which is a transaction of its own.
func (s *Store) Each(work func(Tx) error) error {
	return s.run(func() error { return work(tx{s.conn}) })
}

func (s *Store) run(work func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return fmt.Errorf("the database of %s is not open: %w", s.cfg.Content, s.failed)
	}
	err := work()
	if isFailure(err) {
		s.failed = err
		return fmt.Errorf("the database of %s, %s: %w", s.cfg.Content, s.place(), err)
	}
	return err
}

func (s *Store) place() string {
	if s.path == "" {
		return "in memory"
	}
	return s.path
}

// Check reports whether the store can be written. It opens a database again that was deleted or replaced, or turned out
// to be unreadable; after a failure it tries a write.
func (s *Store) Check(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.path != "" && (s.conn == nil || s.replaced() || markUnreadable(s.failed, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT) != s.failed) {
		if err := s.reopen(); err != nil {
			s.failed = err
			return fmt.Errorf("open the database of %s again: %w", s.cfg.Content, err)
		}
	}
	if s.failed == nil {
		return nil
	}
	if _, err := s.conn.Exec("INSERT OR REPLACE INTO attempt (id) VALUES (1)"); err != nil {
		s.failed = err
		return fmt.Errorf("write the database of %s, %s: %w", s.cfg.Content, s.place(), err)
	}
	s.failed = nil
	return nil
}

// replaced reports whether the file at the path is not the one that is open.
func (s *Store) replaced() bool {
	there, err := os.Stat(s.path)
	return err != nil || !os.SameFile(there, s.file)
}

func (s *Store) reopen() error {
	if s.conn != nil {
		_ = s.conn.Close() // of a file that is gone
		s.conn = nil
	}
	if _, err := os.Stat(s.cfg.Dir); err != nil {
		return err // a directory that was removed while the service ran is not created again: it may be a file system that is gone
	}
	if err := s.open(); err != nil {
		return err
	}
	s.failed = nil
	return nil
}

// Close closes the database.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return nil
	}
	err := s.conn.Close()
	s.conn, s.failed = nil, errors.New("closed")
	return err
}
