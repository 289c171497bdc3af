package observe

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// logRun writes one run of a container; left open if it has not ended.
func logRun(t *testing.T, l *Logs, src LogSource, ended bool, messages ...string) {
	t.Helper()
	w, err := l.Writer(src)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range messages {
		if _, err := fmt.Fprintf(w, `{"timestamp":"2026-01-02T03:04:%02dZ","message":%q}`+"\n", i, m); err != nil {
			t.Fatal(err)
		}
	}
	if ended {
		_ = w.Close()
		return
	}
	t.Cleanup(func() { _ = w.Close() })
}

func messages(t *testing.T, l *Logs, q LogQuery) ([]string, error) {
	t.Helper()
	var all []string
	err := l.Read(t.Context(), q, func(line *LogLine) error { all = append(all, line.Message); return nil })
	return all, err
}

func TestTheLogOfAPreviousRunIsThatOfTheLastOneThatEnded(t *testing.T) {
	l, err := NewLogs(t.TempDir(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	cart := LogSource{Service: "cart", Instance: "cart-1", Container: "server", Main: true}
	logRun(t, l, cart, true, "first")
	logRun(t, l, cart, true, "second", "and last")
	if got, err := messages(t, l, LogQuery{Service: "cart", Previous: true}); err != nil || !slices.Equal(got, []string{"second", "and last"}) {
		t.Errorf("between two runs: %q, %v", got, err)
	}
	logRun(t, l, cart, false, "third")
	logRun(t, l, LogSource{Service: "ad", Instance: "ad-1", Container: "server", Main: true}, false, "other")
	if got, err := messages(t, l, LogQuery{Previous: true}); err != nil || !slices.Equal(got, []string{"second", "and last"}) {
		t.Errorf("in the third run: %q, %v", got, err)
	}
	if got, err := messages(t, l, LogQuery{Service: "cart"}); err != nil || len(got) != 4 {
		t.Errorf("all runs: %q, %v", got, err)
	}
	if _, err := messages(t, l, LogQuery{Service: "ad", Previous: true}); !errors.Is(err, ErrNoPreviousRun) {
		t.Errorf("no earlier run: %v, want ErrNoPreviousRun", err)
	}
	if got := l.LastLines("cart-1", "server", 5); !slices.Equal(got, []string{"third"}) {
		t.Errorf("last lines %q, want those of the last run", got)
	}
}

func TestLogsOfTheLastDaemonAreKeptUntilTheNextOneHasSome(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "mine.txt"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	src := func(n int) LogSource {
		return LogSource{Service: "cart", Instance: fmt.Sprintf("cart-%d", n), Container: "server", Main: true}
	}
	for n, want := range []string{"", "of 0", "of 1", "of 2"} {
		l, err := NewLogs(dir, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		logRun(t, l, src(n), true) // an empty run still hides nothing
		got, err := messages(t, l, LogQuery{Service: "cart", Previous: true})
		if err != nil || len(got) != 0 {
			t.Errorf("the run that has ended: %q, %v", got, err)
		}
		l.instances = nil // as if nothing had ended yet
		if got, err = messages(t, l, LogQuery{Service: "cart", Previous: true}); strings.Join(got, "|") != want || (err == nil) != (want != "") {
			t.Errorf("daemon %d: %q, %v; want %q", n, got, err, want)
		}
		logRun(t, l, src(n), true, fmt.Sprintf("of %d", n))
	}
	if _, err := NewLogs(dir, 1<<20); err != nil { // starts nothing
		t.Fatal(err)
	}
	l, err := NewLogs(dir, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := messages(t, l, LogQuery{Previous: true}); err != nil || !slices.Equal(got, []string{"of 3"}) {
		t.Errorf("after a daemon without logs: %q, %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "mine.txt")); err != nil {
		t.Errorf("a file that is not a log: %v", err)
	}
}

func TestARunIsKnownAfterItsLogWasRotated(t *testing.T) {
	l, err := NewLogs(t.TempDir(), 400)
	if err != nil {
		t.Fatal(err)
	}
	src := LogSource{Service: "cart", Instance: "cart-1", Container: "server", Main: true}
	logRun(t, l, src, true, "early")
	logRun(t, l, src, true, slices.Repeat([]string{"much"}, 20)...)
	logRun(t, l, src, false, "now")
	got, err := messages(t, l, LogQuery{Previous: true})
	if err != nil || len(got) == 0 || slices.ContainsFunc(got, func(m string) bool { return m != "much" }) {
		t.Errorf("lines %q, %v; want only those of the second run", got, err)
	}
	if got, err := messages(t, l, LogQuery{}); err != nil || slices.ContainsFunc(got, func(m string) bool { return strings.Contains(m, "shopctl_run") || m == "" }) {
		t.Errorf("a reader sees a header: %q, %v", got, err)
	}
}
