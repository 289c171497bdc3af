package durable

import (
	"bufio"
	"bytes"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// writerDir makes this test binary a process that writes to a store in the directory that it names until it is killed.
const writerDir = "DURABLE_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerDir); dir != "" {
		os.Exit(writeUntilKilled(dir))
	}
	os.Exit(m.Run())
}

func config(dir string, log *slog.Logger) Config {
	return Config{
		Tables: Tables{Content: "words", Version: 1, Schema: []string{"CREATE TABLE IF NOT EXISTS word (n INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)", "SELECT n, text FROM word LIMIT 0"}},
		Dir:    dir, Name: "words", Now: time.Now, Log: log,
	}
}

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(config(dir, slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func add(s *Store, text string) error {
	return s.Each(func(tx Tx) error {
		_, err := tx.Exec("INSERT INTO word (text) VALUES (?)", text)
		return err
	})
}

func count(t *testing.T, s *Store) (n int) {
	t.Helper()
	err := s.Each(func(tx Tx) error {
		return tx.Query(func(row []driver.Value) error { n = int(row[0].(int64)); return nil }, "SELECT count(*) FROM word")
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// writeUntilKilled prints each word once it is stored.
func writeUntilKilled(dir string) int {
	s, err := Open(config(dir, slog.New(slog.DiscardHandler)))
	if err != nil {
		return 1
	}
	for n := 0; ; n++ {
		word := fmt.Sprintf("%d-%d", os.Getpid(), n)
		if err := add(s, word); err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Println(word)
	}
}

func TestProcessesThatAreKilledLoseNothingAndShareTheirStore(t *testing.T) {
	dir := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	stored := make([][]string, 3)
	for i := range stored {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), writerDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			lines := bufio.NewScanner(out)
			for lines.Scan() {
				if stored[i] = append(stored[i], lines.Text()); len(stored[i]) == 200 {
					_ = cmd.Process.Kill()
				}
			}
			_ = cmd.Wait()
		})
	}
	wg.Wait()
	s := open(t, dir)
	for _, words := range stored {
		if len(words) < 200 {
			t.Fatalf("a process stored %d words and ended: %q", len(words), words[max(0, len(words)-1):])
		}
		for _, word := range words {
			if err := add(s, word); err == nil {
				t.Fatalf("%s was stored and is gone", word)
			}
		}
	}
}

func TestATransactionHappensWhollyOrNotAtAll(t *testing.T) {
	s := open(t, t.TempDir())
	refused := errors.New("refused")
	err := s.Update(func(tx Tx) error {
		if _, err := tx.Exec("INSERT INTO word (text) VALUES ('a')"); err != nil {
			return err
		}
		return refused
	})
	if !errors.Is(err, refused) || err.Error() != "refused" || count(t, s) != 0 {
		t.Errorf("got %v and %d words", err, count(t, s))
	}
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("an error of the work is taken for one of the store: %v", err)
	}
}

func TestAStoreWithoutADirectoryIsInMemory(t *testing.T) {
	s := open(t, "")
	if err := add(s, "a"); err != nil || count(t, s) != 1 || s.Check(t.Context()) != nil {
		t.Errorf("got %v", err)
	}
}

func TestAFullDiskIsAnErrorUntilThereIsRoom(t *testing.T) {
	s := open(t, t.TempDir())
	pages := func(n int) {
		t.Helper()
		if err := s.Each(func(tx Tx) error {
			return tx.Query(func([]driver.Value) error { return nil }, fmt.Sprint("PRAGMA max_page_count = ", n))
		}); err != nil {
			t.Fatal(err)
		}
	}
	pages(1)
	if err := add(s, strings.Repeat("x", 1<<16)); err == nil || !strings.Contains(err.Error(), "words.db") {
		t.Errorf("got %v, want the name of the file", err)
	}
	pages(1_000_000)
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if err := add(s, "a"); err != nil {
		t.Error(err)
	}
}

func TestAnErrorInTheMiddleOfRowsNamesItsCauseOnce(t *testing.T) {
	s := open(t, t.TempDir())
	err := s.Each(func(tx Tx) error {
		return tx.Query(func([]driver.Value) error { return nil }, "SELECT abs(column1) FROM (VALUES (1), (-9223372036854775807 - 1))")
	})
	if err == nil || strings.Count(err.Error(), "integer overflow") != 1 || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %q", err)
	}
}

func TestADamagedStoreIsKeptAndReplicasMoveToTheNewOne(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	if err := add(first, "a"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "words.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("garbage"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path + "-wal"); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	second, err := Open(config(dir, slog.New(slog.NewTextHandler(&log, nil))))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = second.Close() }()
	if kept, err := filepath.Glob(path + ".corrupt-*"); err != nil || len(kept) == 0 || !strings.Contains(log.String(), "the stored words are unreadable") {
		t.Errorf("kept %v, %v; the log: %s", kept, err, log.String())
	}
	if err := add(second, "b"); err != nil {
		t.Fatal(err)
	}
	if err := first.Check(t.Context()); err != nil || count(t, first) != 1 {
		t.Errorf("the other replica sees %d words, %v", count(t, first), err)
	}
}

func TestAStoreWhoseDirectoryIsRemovedSaysSoUntilItIsBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, dir)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context()); err == nil {
		t.Error("nothing is amiss without the directory")
	}
	if err := add(s, "a"); err == nil || !strings.Contains(err.Error(), "words") {
		t.Errorf("got %v", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := add(s, "a"); err != nil {
		t.Error(err)
	}
}

func TestAStoreThatCannotBeOpenedNamesItsFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "words.db"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(config(dir, slog.New(slog.DiscardHandler))); err == nil || !strings.Contains(err.Error(), "open the database of words, "+filepath.Join(dir, "words.db")) || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("got %v", err)
	}
}

func BenchmarkUpdate(b *testing.B) {
	s, err := Open(config(b.TempDir(), slog.New(slog.DiscardHandler)))
	if err != nil {
		b.Fatal(err)
	}
	for n := 0; b.Loop(); n++ {
		if err := add(s, fmt.Sprint(n)); err != nil {
			b.Fatal(err)
		}
	}
}
