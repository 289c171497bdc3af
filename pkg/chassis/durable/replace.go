package durable

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// unreadableError reports that a file is not the expected database, or a damaged one.
type unreadableError struct{ cause error }

func (e *unreadableError) Error() string { return e.cause.Error() }
func (e *unreadableError) Unwrap() error { return e.cause }

// Tables are what a database holds.
type Tables struct {
	// Content is what the rows are, in the plural, for messages: "carts".
	Content string
	// Version is that of the schema, at least 1. It is in the file, so that an older shopctl refuses what it does not know.
	Version int64
	// Schema are the statements that create the tables, if they do not exist, and check that they are those expected.
	Schema []string
	// Upgrades are the statements that bring a database from each version to the next, the first from version 1: what an
	// older shopctl has written is kept.
	Upgrades [][]string
	// Exclusive is whether this process alone opens the database.
	Exclusive bool
}

// OpenOrReplace opens the database at path, whole and with its tables. One that cannot be read is renamed, and an empty
// one takes its place: a shop that has forgotten something can sell, one whose service does not start cannot.
func (t Tables) OpenOrReplace(path string, now time.Time, log *slog.Logger) (*Conn, error) {
	c, err := t.open(path)
	var unreadable *unreadableError
	if !errors.As(err, &unreadable) {
		return c, err
	}
	kept, err := putAside(path, now)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; move it away: %w", path, unreadable, err)
	}
	log.Warn(fmt.Sprintf("the stored %s are unreadable; starting with empty ones", t.Content), "error", unreadable.Error(), "file", path, "kept", kept,
		"hint", fmt.Sprintf("save what is left of them: sqlite3 '%s' .recover; or delete it: rm '%s'*", kept, kept))
	return t.open(path)
}

// open opens the database. Damage is an *unreadableError.
func (t Tables) open(path string) (*Conn, error) {
	c, err := Connect(path, t.Exclusive)
	if err != nil {
		return nil, markUnreadable(err, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
	}
	if err := t.prepare(c); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// prepare checks that the database is not damaged, and creates the tables.
func (t Tables) prepare(c *Conn) error {
	damage := ""
	err := c.Query(func(row []driver.Value) error {
		damage = fmt.Sprint(row[0])
		return nil
	}, "PRAGMA quick_check(1)")
	if err != nil {
		return markUnreadable(err, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
	}
	if damage != "ok" {
		return &unreadableError{fmt.Errorf("damaged database: %s", damage)}
	}
	return t.migrate(c)
}

// create creates the tables that do not exist.
func (t Tables) create(c *Conn) error {
	for _, statement := range t.Schema {
		// An error of the statement itself means that the tables are those of another program.
		if _, err := c.Exec(statement); err != nil {
			return markUnreadable(err, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
		}
	}
	return nil
}

// markUnreadable makes an SQLite error with one of these primary codes an *unreadableError. Others, such as those of a
// full disk or of missing permission, say nothing about the content.
func markUnreadable(err error, codes ...int) error {
	const primary = 0xff
	var failure *sqlite.Error
	if errors.As(err, &failure) {
		for _, code := range codes {
			if failure.Code()&primary == code {
				return &unreadableError{err}
			}
		}
	}
	return err
}

// putAside renames a database with its log, which must not be applied to the next one, and returns its new name. An older
// file is never overwritten.
func putAside(path string, now time.Time) (kept string, err error) {
	name := path + ".corrupt-" + now.UTC().Format("20060102T150405")
	kept = name
	for n := 2; exists(kept); n++ {
		kept = fmt.Sprintf("%s-%d", name, n)
	}
	if err := os.Rename(path, kept); err != nil {
		return "", err
	}
	for _, part := range []string{"-wal", "-shm", "-journal"} {
		if err := os.Rename(path+part, kept+part); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return kept, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// isFailure reports whether an error is the database's own, rather than one that the work of a transaction returned.
func isFailure(err error) bool {
	var failure *sqlite.Error
	return errors.As(err, &failure)
}
