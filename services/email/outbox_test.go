package email

import (
	"context"
	"database/sql/driver"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/durable"
)

func numbered(n int) letter {
	return letter{ID: fmt.Sprint("mail-", n), OrderID: fmt.Sprint("order-", n), To: "someone@example.com", Subject: "<ü>", Text: "a\nb", HTML: "<p>\n</p>"}
}

func open(t *testing.T, dir string) *outbox {
	t.Helper()
	o, err := openOutbox(dir, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.close(context.Background()) })
	return o
}

func add(t *testing.T, o *outbox, l letter) {
	t.Helper()
	if first, err := o.add(l); err != nil || !first {
		t.Fatalf("letter %s is the first: %t, %v", l.ID, first, err)
	}
}

func ids(t *testing.T, o *outbox, n int) string {
	t.Helper()
	letters, err := o.newest(n)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, l := range letters {
		ids = append(ids, strings.TrimPrefix(l.ID, "mail-"))
	}
	return strings.Join(ids, " ")
}

// each runs a test with an outbox in memory and one in a directory.
func each(t *testing.T, test func(t *testing.T, o *outbox)) {
	for name, dir := range map[string]string{"memory": "", "file": t.TempDir()} {
		t.Run(name, func(t *testing.T) { test(t, open(t, dir)) })
	}
}

func TestTheNewestLettersComeFirst(t *testing.T) {
	each(t, func(t *testing.T, o *outbox) {
		if got := ids(t, o, 10); got != "" {
			t.Errorf("an empty outbox holds %s", got)
		}
		for i := range 4 {
			add(t, o, numbered(i))
		}
		if got := ids(t, o, 3); got != "3 2 1" {
			t.Errorf("got %s, want 3 2 1", got)
		}
		letters, err := o.newest(1)
		if err != nil || letters[0] != numbered(3) {
			t.Errorf("got %v, %v, want %v", letters, err, numbered(3))
		}
	})
}

func TestAnOutboxIsBounded(t *testing.T) {
	each(t, func(t *testing.T, o *outbox) {
		const total = 3*keepLetters + 50
		for i := range total {
			add(t, o, numbered(i))
		}
		kept := strings.Fields(ids(t, o, total))
		if len(kept) < keepLetters || len(kept) > 2*keepLetters {
			t.Fatalf("%d letters are kept", len(kept))
		}
		for i, id := range kept {
			if want := fmt.Sprint(total - 1 - i); id != want {
				t.Fatalf("letter %d is %s, want %s", i, id, want)
			}
		}
		for i := range 4 {
			large := numbered(total + i)
			large.Text = strings.Repeat("x", keepBytes)
			add(t, o, large)
		}
		if n := len(strings.Fields(ids(t, o, total))); n > 2 {
			t.Errorf("%d letters of %d bytes are kept", n, keepBytes)
		}
	})
}

func TestLettersOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	for i := range keepLetters + 2 {
		add(t, first, numbered(i))
	}
	second := open(t, dir) // no close in between, as after kill -9
	if got, want := ids(t, second, 1), fmt.Sprint(keepLetters+1); got != want {
		t.Errorf("the newest letter is %s, want %s", got, want)
	}
	for i := range keepLetters + 2 { // also those whose letters are gone
		if again, err := second.add(numbered(i)); err != nil || again {
			t.Fatalf("order %d gets a second letter, %v", i, err)
		}
	}
}

func TestAMailOnItsWayIsSentByOneProcess(t *testing.T) {
	dir := t.TempDir()
	first, second := open(t, dir), open(t, dir)
	token, sent, err := first.claim("order-1")
	if token == 0 || sent || err != nil {
		t.Fatalf("got %d, %t, %v", token, sent, err)
	}
	if other, sent, err := second.claim("order-1"); other != 0 || sent || err != nil {
		t.Errorf("claimed twice: %d, %t, %v", other, sent, err)
	}
	second.now = func() time.Time { return time.Now().Add(2 * sendLease) } // the first is gone
	if token, _, err = second.claim("order-1"); token == 0 || err != nil {
		t.Errorf("not claimed from a process that is gone: %v", err)
	}
	if err := second.release("order-1", token); err != nil {
		t.Error(err)
	}
	if token, _, err = first.claim("order-1"); token == 0 || err != nil {
		t.Errorf("not claimed after a release: %v", err)
	}
	add(t, first, numbered(1))
	if token, sent, err := second.claim("order-1"); token != 0 || !sent || err != nil {
		t.Errorf("a mail that was sent is claimed: %d, %t, %v", token, sent, err)
	}
}

func TestAFullDiskIsAnErrorUntilThereIsRoom(t *testing.T) {
	o := open(t, t.TempDir())
	pages := func(n int) {
		t.Helper()
		err := o.store.Each(func(tx durable.Tx) error {
			return tx.Query(func([]driver.Value) error { return nil }, fmt.Sprint("PRAGMA max_page_count = ", n))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	pages(1)
	l := numbered(1)
	l.Text = strings.Repeat("x", 1<<16)
	if _, err := o.add(l); err == nil || !strings.Contains(err.Error(), "store mail: ") || !strings.Contains(err.Error(), "full") {
		t.Errorf("on a full disk: %v", err)
	}
	pages(1_000_000)
	if err := o.check(t.Context()); err != nil { // tries to write, and there is room
		t.Error(err)
	}
	add(t, o, numbered(2))
	if got := ids(t, o, 10); got != "2" {
		t.Errorf("got %s, want 2", got)
	}
}

func TestAFileThatWasRemovedIsCreatedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	o := open(t, dir)
	if err := o.check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := o.check(t.Context()); err == nil {
		t.Error("without its directory the outbox is fine")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := o.check(t.Context()); err != nil {
		t.Error(err)
	}
	add(t, o, numbered(1))
	if got := ids(t, o, 10); got != "1" {
		t.Errorf("got %s, want 1", got)
	}
}

func TestAnOutboxThatCannotBeOpenedSaysSo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openOutbox(path, time.Now, slog.New(slog.DiscardHandler)); err == nil || !strings.HasPrefix(err.Error(), "open outbox: ") {
		t.Errorf("got %v", err)
	}
}
