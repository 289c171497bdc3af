package durable

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"modernc.org/sqlite"
)

// Conn is one SQLite connection with its prepared statements, used by one goroutine at a time.
// It uses the driver directly: a pool for one connection would only cost time.
type Conn struct {
	conn       driver.Conn
	statements map[string]driver.Stmt
}

// Connect opens the file at path, or a database in memory if path is empty. Its log is written ahead, and with each
// commit: what was committed survives the end of the process, but the last moments before a power failure may be lost.
// A database that several processes open is shared; with exclusive, it belongs to this one, which saves the locks of
// every transaction.
func Connect(path string, exclusive bool) (*Conn, error) {
	// The cache is small because the kernel caches the file as well.
	dsn := ":memory:"
	if path != "" {
		dsn = "file:" + path + "?_pragma=busy_timeout(5000)&_pragma=cache_size(-1024)&_pragma=temp_store(MEMORY)"
		if exclusive {
			dsn += "&_pragma=locking_mode(EXCLUSIVE)"
		}
		dsn += "&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)"
	}
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	conn, err := connector.Connect(context.Background())
	if err != nil {
		return nil, err
	}
	return &Conn{conn: conn, statements: map[string]driver.Stmt{}}, nil
}

// Close closes the connection.
func (c *Conn) Close() error {
	var errs []error
	for _, s := range c.statements {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.conn.Close())...)
}

// statement returns the prepared form of a statement, which is prepared once.
func (c *Conn) statement(text string) (driver.Stmt, error) {
	if s, ok := c.statements[text]; ok {
		return s, nil
	}
	s, err := c.conn.Prepare(text)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", text, err)
	}
	c.statements[text] = s
	return s, nil
}

// named converts arguments to the driver's form.
func named(args []driver.Value) []driver.NamedValue {
	list := make([]driver.NamedValue, len(args))
	for i, a := range args {
		list[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	return list
}

// Exec runs a statement and returns how many rows it changed, and the id of the last one it inserted.
func (c *Conn) Exec(text string, args ...driver.Value) (driver.Result, error) {
	s, err := c.statement(text)
	if err != nil {
		return nil, err
	}
	return s.(driver.StmtExecContext).ExecContext(context.Background(), named(args))
}

// transaction runs work as one transaction: if it fails, nothing of it has happened.
func (c *Conn) transaction(work func() error) error {
	if _, err := c.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	committed := false
	defer func() {
		if !committed { // a panic too
			_, _ = c.Exec("ROLLBACK")
		}
	}()
	if err := work(); err != nil {
		return err
	}
	if _, err := c.Exec("COMMIT"); err != nil {
		return err
	}
	committed = true
	return nil
}

// Query runs a statement and calls use with each row, whose slices are only valid until it returns.
func (c *Conn) Query(use func(row []driver.Value) error, text string, args ...driver.Value) (err error) {
	s, err := c.statement(text)
	if err != nil {
		return err
	}
	rows, err := s.(driver.StmtQueryContext).QueryContext(context.Background(), named(args))
	if err != nil {
		return err
	}
	defer func() {
		if failure := rows.Close(); err == nil { // else it is the same once more
			err = failure
		}
	}()
	row := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := use(row); err != nil {
			return err
		}
	}
}
