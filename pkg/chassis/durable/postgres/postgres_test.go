package postgres_test

import (
	"database/sql/driver"
	"errors"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/chassis/durable"
	"github.com/shopctl/shopctl/pkg/chassis/durable/postgres"
	"github.com/shopctl/shopctl/pkg/eventually"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func words(url string, version int64) postgres.Config {
	return postgres.Config{URL: url, Tables: durable.Tables{
		Content: "words", Version: version,
		Schema:   []string{"CREATE TABLE IF NOT EXISTS word (n INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, raw BLOB, size INTEGER NOT NULL)"},
		Upgrades: [][]string{{"ALTER TABLE word ADD COLUMN language TEXT NOT NULL DEFAULT 'en'"}},
	}}
}

func open(t *testing.T, cfg postgres.Config) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func add(s *postgres.Store, word string) error {
	return s.Update(func(tx durable.Tx) error {
		_, err := tx.Exec("INSERT INTO word (text, raw, size) VALUES (?1, ?2, ?3) ON CONFLICT (text) DO UPDATE SET size = word.size + ?3", word, []byte(word), int64(len(word)))
		return err
	})
}

func sizes(t *testing.T, s *postgres.Store) (total int64) {
	t.Helper()
	if err := s.Each(func(tx durable.Tx) error {
		return tx.Query(func(row []driver.Value) error {
			if row[0].(string) != string(row[1].([]byte)) {
				t.Errorf("got %v", row)
			}
			total += row[2].(int64)
			return nil
		}, "SELECT text, raw, size FROM word WHERE size >= ? ORDER BY n LIMIT ?", int64(0), int64(10))
	}); err != nil {
		t.Fatal(err)
	}
	return total
}

func TestReplicasShareTables(t *testing.T) {
	p := chassistest.StartPostgres(t)
	if p == nil {
		return
	}
	stores := []*postgres.Store{open(t, words(p.URL, 1)), open(t, words(p.URL, 1))}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := add(stores[i%2], "word"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := sizes(t, stores[0]); got != 80 {
		t.Errorf("20 words of 4 letters have %d", got)
	}
	failure := errors.New("changed my mind")
	if err := stores[1].Update(func(tx durable.Tx) error {
		_, err := tx.Exec("DELETE FROM word")
		return errors.Join(err, failure)
	}); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	if got := sizes(t, stores[0]); got != 80 {
		t.Errorf("a transaction that failed left %d", got)
	}
}

func TestAServerThatWasGoneIsUsedAgain(t *testing.T) {
	p := chassistest.StartPostgres(t)
	if p == nil {
		return
	}
	s := open(t, words(p.URL, 1))
	if err := add(s, "before"); err != nil {
		t.Fatal(err)
	}
	p.Stop()
	if err := add(s, "while"); err == nil || !strings.HasPrefix(err.Error(), "the database of words, ") {
		t.Errorf("got %v", err)
	}
	if err := s.Check(t.Context()); err == nil {
		t.Error("it is ready without its server")
	}
	p.Start(t)
	eventually.True(t, "it is ready again", func() bool { return s.Check(t.Context()) == nil })
	if err := add(s, "after"); err != nil {
		t.Error(err)
	}
	if got := sizes(t, s); got != 11 {
		t.Errorf("before and after have %d letters", got)
	}
}

func TestTablesAreUpgradedAndNewerOnesRefused(t *testing.T) {
	p := chassistest.StartPostgres(t)
	if p == nil {
		return
	}
	if err := add(open(t, words(p.URL, 1)), "word"); err != nil {
		t.Fatal(err)
	}
	newer := open(t, words(p.URL, 2))
	if err := newer.Each(func(tx durable.Tx) error {
		_, err := tx.Exec("UPDATE word SET language = ?", "de")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := open(t, words(p.URL, 1)).Check(t.Context()); err == nil || !strings.Contains(err.Error(), "its format 2 was written by a newer shopctl; this one reads up to 1") {
		t.Errorf("got %v", err)
	}
}

func TestABadAddressIsNamedWithoutItsPassword(t *testing.T) {
	_, err := postgres.Open(words("postgres://shop:secret@nowhere:port/orders", 1))
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "the database of words") {
		t.Errorf("got %v", err)
	}
}
