package durable

import (
	"bytes"
	"database/sql/driver"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// makeDatabase creates the file of a store with statements.
func makeDatabase(t *testing.T, dir string, statements ...string) (path string) {
	t.Helper()
	path = filepath.Join(dir, "words.db")
	c, err := Connect(path, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := c.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestADatabaseOfANewerVersionIsRefusedAndLeftAlone(t *testing.T) {
	dir := t.TempDir()
	path := makeDatabase(t, dir, "CREATE TABLE word (n INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, language TEXT NOT NULL)", "PRAGMA user_version = 2")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(config(dir, slog.New(slog.DiscardHandler)))
	want := "open the database of words, " + path + ": its format 2 was written by a newer shopctl; this one reads up to 1; use that shopctl, or move the file away"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed, %v", err)
	}
}

func TestTablesBuiltOtherwiseArePutAside(t *testing.T) {
	for name, statements := range map[string][]string{
		"a column more":         {"CREATE TABLE word (n INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, language TEXT NOT NULL)"},
		"a constraint less":     {"CREATE TABLE word (n INTEGER PRIMARY KEY, text TEXT NOT NULL)"},
		"another type":          {"CREATE TABLE word (n INTEGER PRIMARY KEY, text BLOB NOT NULL UNIQUE)"},
		"a column less":         {"CREATE TABLE word (n INTEGER PRIMARY KEY)"},
		"a view":                {"CREATE VIEW word AS SELECT 1 AS n, 'a' AS text"},
		"a version that is not": {"PRAGMA user_version = -1"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := makeDatabase(t, dir, statements...)
			var log bytes.Buffer
			s, err := Open(config(dir, slog.New(slog.NewTextHandler(&log, nil))))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			if kept, err := filepath.Glob(path + ".corrupt-*"); err != nil || len(kept) == 0 || !strings.Contains(log.String(), "the stored words are unreadable") {
				t.Errorf("kept %v, %v; the log: %s", kept, err, log.String())
			}
			if err := add(s, "a"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestADatabaseWithoutAVersionIsKeptIfItsTablesAreThoseExpected(t *testing.T) {
	dir := t.TempDir()
	makeDatabase(t, dir, "CREATE TABLE word (n INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)", "CREATE TABLE other (n INTEGER)", "INSERT INTO word (text) VALUES ('a')")
	for range 2 {
		s := open(t, dir)
		if n := count(t, s); n != 1 {
			t.Errorf("got %d words, want 1", n)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestAnOlderDatabaseIsUpgradedOrLeftAsItIs(t *testing.T) {
	for name, c := range map[string]struct{ upgrade, want string }{
		"upgraded": {"ALTER TABLE word ADD COLUMN language TEXT NOT NULL DEFAULT 'en'", "en"},
		"refused":  {"ALTER TABLE nothing ADD COLUMN language TEXT", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			makeDatabase(t, dir, "CREATE TABLE word (n INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)", "INSERT INTO word (text) VALUES ('a')", "PRAGMA user_version = 1")
			cfg := config(dir, slog.New(slog.DiscardHandler))
			cfg.Version, cfg.Upgrades = 2, [][]string{{"UPDATE word SET text = 'b'", c.upgrade}}
			cfg.Schema = []string{"CREATE TABLE IF NOT EXISTS word (n INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, language TEXT NOT NULL DEFAULT 'en')", "SELECT language FROM word LIMIT 0"}
			s, err := Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			got := ""
			if err := s.Each(func(tx Tx) error {
				return tx.Query(func(row []driver.Value) error { got = row[0].(string); return nil }, "SELECT language FROM word WHERE text = 'b'")
			}); err != nil {
				t.Fatal(err)
			}
			kept, err := filepath.Glob(filepath.Join(dir, "words.db.corrupt-*"))
			if got != c.want || err != nil || (len(kept) > 0) != (c.want == "") {
				t.Errorf("the word has the language %q, want %q; kept %v, %v", got, c.want, kept, err)
			}
		})
	}
}
