package observe

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func newLogs(t *testing.T) *Logs {
	t.Helper()
	l, err := NewLogs(LogsConfig{
		Dir: t.TempDir(), RotatedSuffix: ".1",
		Open: func(path string) (File, error) {
			return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func writer(t *testing.T, l *Logs, service, instance string) io.WriteCloser {
	t.Helper()
	w, err := l.Writer(service, instance)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func say(w io.Writer, second int, text string) {
	fmt.Fprintf(w, `{"timestamp":%q,"severity":"WARNING","message":%q,"trace_id":"abc"}`+"\n", time.Unix(int64(second), 0).UTC().Format(time.RFC3339Nano), text)
}

func read(t *testing.T, l *Logs, q LogQuery) []string {
	t.Helper()
	var got []string
	err := l.Read(t.Context(), q, func(line *controlpb.LogLine) error {
		got = append(got, line.GetService()+" "+line.GetMessage())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestLinesOfAllInstancesAreMergedByTime(t *testing.T) {
	l := newLogs(t)
	cart, ad := writer(t, l, "cart", "cart-1"), writer(t, l, "ad", "ad-1")
	say(cart, 1, "a")
	say(cart, 4, "d")
	say(ad, 2, "b")
	fmt.Fprintln(ad, "no JSON")
	say(ad, 3, "c")
	for name, c := range map[string]struct {
		q    LogQuery
		want string
	}{
		"all":      {LogQuery{}, "[cart a ad b ad no JSON ad c cart d]"},
		"service":  {LogQuery{Service: "cart"}, "[cart a cart d]"},
		"instance": {LogQuery{Instance: "ad-1"}, "[ad b ad no JSON ad c]"},
		"tail":     {LogQuery{Tail: 2}, "[ad c cart d]"},
		"since":    {LogQuery{Since: time.Unix(3, 0)}, "[ad c cart d]"},
	} {
		if got := fmt.Sprint(read(t, l, c.q)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if got := l.LastLines("ad-1", 2); fmt.Sprint(got) != "[no JSON c]" {
		t.Errorf("last lines %q", got)
	}
}

func TestAFollowerMissesNothingAndReadsNothingTwice(t *testing.T) {
	l := newLogs(t)
	w := writer(t, l, "cart", "cart-1")
	const lines = 500
	go func() {
		for i := range lines {
			say(w, i, fmt.Sprint(i))
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	next := 0
	err := l.Read(ctx, LogQuery{Follow: true}, func(line *controlpb.LogLine) error {
		if line.GetMessage() != fmt.Sprint(next) {
			t.Errorf("got %s, want %d", line.GetMessage(), next)
		}
		if next++; next == lines {
			cancel()
		}
		return nil
	})
	if err != nil || next != lines {
		t.Errorf("%d lines, %v", next, err)
	}
}

func TestASlowFollowerIsToldWhatItLost(t *testing.T) {
	f := &follower{lines: make(chan *controlpb.LogLine, 4)}
	in := &instanceLog{service: "cart"}
	for i := range 6 {
		f.offer(in, fmt.Appendf(nil, "%d\n", i))
	}
	<-f.lines
	<-f.lines
	<-f.lines
	f.offer(in, []byte("last\n"))
	if got := (<-f.lines).GetMessage(); got != "3 lines were skipped: they came faster than they were read" {
		t.Errorf("got %q", got)
	}
	if got := (<-f.lines).GetMessage(); got != "last" {
		t.Errorf("got %q", got)
	}
}

func TestOldLogsGoWhenThereAreTooMany(t *testing.T) {
	l := newLogs(t)
	for i := range maxLogs + 5 {
		w, err := l.Writer("cart", fmt.Sprintf("cart-%d", i))
		if err != nil {
			t.Fatal(err)
		}
		say(w, i, "x")
		w.Close()
	}
	files, _ := filepath.Glob(filepath.Join(l.cfg.Dir, "*.log"))
	if len(files) > maxLogs+1 || l.Knows("ad") || !l.Knows("cart") {
		t.Errorf("%d files", len(files))
	}
}

func TestLevelsAreOneOfFour(t *testing.T) {
	for in, want := range map[string]string{"WARNING": "warn", "Info": "info", "fatal": "error", "": "", "debug": "debug"} {
		if got := level(in); got != want {
			t.Errorf("level(%q) = %q", in, got)
		}
	}
}
