package embedded

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"modernc.org/sqlite"
)

// database is one SQLite connection with its prepared statements, used by one goroutine at a time.
// It uses the driver directly: a pool for one connection would only cost time.
type database struct {
	conn       driver.Conn
	statements map[string]driver.Stmt
}

// openDatabase opens the file at path, or a database in memory if path is empty.
func openDatabase(path string) (*database, error) {
	// The cache is small because the kernel caches the file as well; exclusive locking saves the shared memory file
	// and the locks of every transaction. Carts have one server.
	pragmas := "?_pragma=locking_mode(EXCLUSIVE)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)" +
		"&_pragma=cache_size(-1024)&_pragma=temp_store(MEMORY)&_pragma=busy_timeout(2000)"
	dsn := ":memory:"
	if path != "" {
		dsn = "file:" + path + pragmas
	}
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	conn, err := connector.Connect(context.Background())
	if err != nil {
		return nil, err
	}
	return &database{conn: conn, statements: map[string]driver.Stmt{}}, nil
}

func (d *database) close() error {
	var errs []error
	for _, s := range d.statements {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, d.conn.Close())...)
}

// statement returns the prepared form of a statement, which is prepared once.
func (d *database) statement(text string) (driver.Stmt, error) {
	if s, ok := d.statements[text]; ok {
		return s, nil
	}
	s, err := d.conn.Prepare(text)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", text, err)
	}
	d.statements[text] = s
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

// exec runs a statement and returns how many rows it changed, and the id of the last one it inserted.
func (d *database) exec(text string, args ...driver.Value) (driver.Result, error) {
	s, err := d.statement(text)
	if err != nil {
		return nil, err
	}
	return s.(driver.StmtExecContext).ExecContext(context.Background(), named(args))
}

// query runs a statement and calls use with each row, whose slices are only valid until it returns.
func (d *database) query(use func(row []driver.Value) error, text string, args ...driver.Value) (err error) {
	s, err := d.statement(text)
	if err != nil {
		return err
	}
	rows, err := s.(driver.StmtQueryContext).QueryContext(context.Background(), named(args))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
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
