// Package postgres keeps what a service must not forget in a PostgreSQL database, where replicas on several machines share it.
// It takes the statements that package durable runs on SQLite, and has the same transactions.
package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/shopctl/shopctl/pkg/chassis/durable"
)

const (
	// maxConns is how many transactions one process runs at a time.
	maxConns = 8
	// idleTime is how long a connection is kept that is not used.
	idleTime = time.Minute
	// timeout bounds a transaction, and the wait for a connection.
	timeout = 5 * time.Second
)

// Config says which database a store is in.
type Config struct {
	// URL is "postgres://user:password@host:5432/database?sslmode=verify-full", or libpq's "host=... dbname=...".
	URL string
	// Tables are those of SQLite. Exclusive means nothing here.
	durable.Tables
}

// Store is a database server that several processes share. Its methods may be called from any goroutine.
type Store struct {
	cfg   Config
	place string
	pool  *sql.DB

	mu       sync.Mutex
	prepared bool  // whether the tables are there
	failed   error // of the last transaction
}

// Open prepares a store. It does not connect: a server that cannot be reached may come back.
func Open(cfg Config) (*Store, error) {
	server, err := pgx.ParseConfig(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("read the address of the database of %s: %w", cfg.Content, err) // without the password
	}
	s := &Store{cfg: cfg, pool: stdlib.OpenDB(*server), place: fmt.Sprintf("%s:%d/%s", server.Host, server.Port, server.Database)}
	s.pool.SetMaxOpenConns(maxConns)
	s.pool.SetMaxIdleConns(maxConns)
	s.pool.SetConnMaxIdleTime(idleTime)
	return s, nil
}

// Close closes the connections.
func (s *Store) Close() error { return s.pool.Close() }

// Update runs work as one transaction: if it fails, nothing of it has happened.
func (s *Store) Update(work func(durable.Tx) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return s.run(ctx, func() error {
		return s.transaction(ctx, func(t *sql.Tx) error { return work(tx{ctx, t}) })
	})
}

// Each runs work, each statement of which is a transaction of its own.
func (s *Store) Each(work func(durable.Tx) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return s.run(ctx, func() error { return work(tx{ctx, s.pool}) })
}

func (s *Store) run(ctx context.Context, work func() error) error {
	err := s.prepare(ctx)
	if err == nil {
		err = work()
	}
	if err != nil {
		err = fmt.Errorf("the database of %s, %s: %w", s.cfg.Content, s.place, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = err
	return err
}

// Check reports whether the store can be used. After a failure it asks the server.
func (s *Store) Check(ctx context.Context) error {
	s.mu.Lock()
	ask := s.failed != nil || !s.prepared
	s.mu.Unlock()
	if !ask {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return s.run(ctx, func() error { return s.pool.PingContext(ctx) })
}

func (s *Store) transaction(ctx context.Context, work func(*sql.Tx) error) error {
	t, err := s.pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = t.Rollback() }() // nothing, once it is committed
	if err := work(t); err != nil {
		return err
	}
	return t.Commit()
}

// prepare creates the tables, or upgrades them, once, while no other process does.
func (s *Store) prepare(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.prepared {
		return nil
	}
	err := s.transaction(ctx, func(t *sql.Tx) error {
		if _, err := t.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtext('shopctl'), hashtext($1))", s.cfg.Content); err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS shopctl_format (content TEXT PRIMARY KEY, version BIGINT NOT NULL)"); err != nil {
			return err
		}
		var version int64
		err := t.QueryRowContext(ctx, "SELECT version FROM shopctl_format WHERE content = $1", s.cfg.Content).Scan(&version)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if version > s.cfg.Version {
			return fmt.Errorf("its format %d was written by a newer shopctl; this one reads up to %d; use that shopctl, or another database", version, s.cfg.Version)
		}
		for _, statement := range s.statements(version) {
			if _, err := t.ExecContext(ctx, dialect(statement)); err != nil {
				return fmt.Errorf("run %q: %w", statement, err)
			}
		}
		_, err = t.ExecContext(ctx, "INSERT INTO shopctl_format (content, version) VALUES ($1, $2) ON CONFLICT (content) DO UPDATE SET version = $2", s.cfg.Content, s.cfg.Version)
		return err
	})
	s.prepared = err == nil
	return err
}

// statements bring the tables from a version to the newest; 0 if there are none.
func (s *Store) statements(version int64) (all []string) {
	if version > 0 {
		for _, statements := range s.cfg.Upgrades[version-1:] {
			all = append(all, statements...)
		}
	}
	return append(all, s.cfg.Schema...)
}

// runner is a transaction, or the pool, where each statement is one.
type runner interface {
	ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

type tx struct {
	ctx context.Context // of the transaction, which ends before its method returns
	on  runner
}

func (t tx) Exec(text string, args ...driver.Value) (int64, error) {
	result, err := t.on.ExecContext(t.ctx, dialect(text), anys(args)...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (t tx) Query(use func(row []driver.Value) error, text string, args ...driver.Value) (err error) {
	rows, err := t.on.QueryContext(t.ctx, dialect(text), anys(args)...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	row, into := make([]driver.Value, len(columns)), make([]any, len(columns))
	for i := range row {
		into[i] = (*any)(&row[i])
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if err := use(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

func anys(args []driver.Value) []any {
	all := make([]any, len(args))
	for i, a := range args {
		all[i] = a
	}
	return all
}
