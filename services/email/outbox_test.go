package email

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func numbered(n int) letter {
	return letter{ID: fmt.Sprint("mail-", n), OrderID: fmt.Sprint("order-", n), To: "someone@example.com", Subject: "<ü>", Text: "a\nb", HTML: "<p>\n</p>"}
}

func open(t *testing.T, dir string) (*fileOutbox, []string) {
	t.Helper()
	o, orders, err := openOutbox(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.close() })
	return o, orders
}

func ids(t *testing.T, o outbox, n int) string {
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

func TestTheNewestLettersComeFirst(t *testing.T) {
	file, _ := open(t, t.TempDir())
	for name, o := range map[string]outbox{"memory": &memoryOutbox{}, "file": file} {
		t.Run(name, func(t *testing.T) {
			if got := ids(t, o, 10); got != "" {
				t.Errorf("an empty outbox holds %s", got)
			}
			for i := range 4 {
				if err := o.add(numbered(i)); err != nil {
					t.Fatal(err)
				}
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
}

func TestAnOutboxIsBounded(t *testing.T) {
	dir := t.TempDir()
	file, _ := open(t, dir)
	for name, o := range map[string]outbox{"memory": &memoryOutbox{}, "file": file} {
		t.Run(name, func(t *testing.T) {
			const total = 3*keepLetters + 50
			for i := range total {
				if err := o.add(numbered(i)); err != nil {
					t.Fatal(err)
				}
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
			large := numbered(total)
			large.Text = strings.Repeat("x", keepBytes)
			for range 4 {
				if err := o.add(large); err != nil {
					t.Fatal(err)
				}
			}
			if n := len(strings.Fields(ids(t, o, total))); n > 2 {
				t.Errorf("%d letters of %d bytes are kept", n, keepBytes)
			}
		})
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 2 {
		t.Errorf("the directory holds %v, %v", files, err)
	}
}

func TestLettersOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	first, orders := open(t, dir)
	if len(orders) != 0 {
		t.Errorf("a new outbox knows %v", orders)
	}
	for i := range keepLetters + 2 {
		if err := first.add(numbered(i)); err != nil {
			t.Fatal(err)
		}
	}
	second, orders := open(t, dir) // no close in between, as after kill -9
	if len(orders) != keepLetters+2 || orders[0] != "order-0" || orders[keepLetters+1] != fmt.Sprint("order-", keepLetters+1) {
		t.Errorf("%d orders are known, from %s", len(orders), orders[0])
	}
	if got, want := ids(t, second, 1), fmt.Sprint(keepLetters+1); got != want {
		t.Errorf("the newest letter is %s, want %s", got, want)
	}
}

func TestALineThatBrokeOffCostsOnlyItself(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "outbox.jsonl")
	whole, _ := open(t, t.TempDir())
	if err := whole.add(numbered(1)); err != nil {
		t.Fatal(err)
	}
	line, err := os.ReadFile(whole.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(append([]byte{}, line...), line[:len(line)/2]...), 0o600); err != nil {
		t.Fatal(err)
	}
	o, orders := open(t, dir)
	if len(orders) != 1 {
		t.Errorf("the outbox knows %v", orders)
	}
	if err := o.add(numbered(2)); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, o, 10); got != "2 1" {
		t.Errorf("got %s, want 2 1", got)
	}
}

func TestAFullDiskIsAnErrorUntilThereIsRoom(t *testing.T) {
	o, _ := open(t, t.TempDir())
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	disk := o.file
	t.Cleanup(func() { _ = disk.Close() })
	o.file = full
	if err := o.add(numbered(1)); err == nil || !strings.Contains(err.Error(), "store mail: ") || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("on a full disk: %v", err)
	}
	if o.failed == nil {
		t.Error("the failure is forgotten")
	}
	if err := o.check(); err != nil { // opens the file again, and there is room
		t.Error(err)
	}
	if err := o.add(numbered(2)); err != nil {
		t.Error(err)
	}
	if got := ids(t, o, 10); got != "2" {
		t.Errorf("got %s, want 2", got)
	}
}

func TestAFileThatWasRemovedIsCreatedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	o, _ := open(t, dir)
	if err := o.check(); err != nil {
		t.Error(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := o.check(); err == nil {
		t.Error("without its directory the outbox is fine")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := o.check(); err != nil {
		t.Error(err)
	}
	if err := o.add(numbered(1)); err != nil {
		t.Error(err)
	}
	if got := ids(t, o, 10); got != "1" {
		t.Errorf("got %s, want 1", got)
	}
}

func TestAnOutboxThatCannotBeOpenedSaysSo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := openOutbox(path); err == nil || !strings.HasPrefix(err.Error(), "open outbox: ") {
		t.Errorf("got %v", err)
	}
}
