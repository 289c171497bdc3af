package observe

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/logrecord"
)

func newLogs(t *testing.T) *Logs {
	t.Helper()
	l, err := NewLogs(t.TempDir(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func writer(t *testing.T, l *Logs, service, instance string) io.WriteCloser {
	t.Helper()
	w, err := l.Writer(LogSource{Service: service, Instance: instance, Container: "server", Main: true})
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
	err := l.Read(t.Context(), q, func(line *LogLine) error {
		got = append(got, line.Service+" "+line.Message)
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
		"several":  {LogQuery{Service: "cart", More: []LogTarget{{Service: "ad", Instance: "ad-1"}}}, "[cart a ad b ad no JSON ad c cart d]"},
		"some":     {LogQuery{Service: "cart", More: []LogTarget{{Service: "ad", Instance: "ad-9"}}}, "[cart a cart d]"},
		"tail":     {LogQuery{Tail: 2}, "[ad c cart d]"},
		"since":    {LogQuery{Since: time.Unix(3, 0)}, "[ad c cart d]"},
	} {
		if got := fmt.Sprint(read(t, l, c.q)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if got := l.LastLines("ad-1", "server", 2); fmt.Sprint(got) != "[no JSON c]" {
		t.Errorf("last lines %q", got)
	}
}

func TestOnlyLinesThatTheFilterWantsAreReadAndFollowed(t *testing.T) {
	l := newLogs(t)
	w := writer(t, l, "cart", "cart-1")
	write := func() {
		for i, line := range []string{
			`{"timestamp":"1970-01-01T00:00:01Z","severity":"info","message":"first","trace_id":"ab12","span_id":"01"}`,
			`{"timestamp":"1970-01-01T00:00:02Z","severity":"error","message":"second","trace_id":"ab13","span_id":"02"}`,
			`{"timestamp":"1970-01-01T00:00:03Z","severity":"debug","message":"ab12 in its text","trace_id":"cd"}`,
			`panic: out of stock`,
		} {
			if _, err := fmt.Fprintln(w, line); err != nil {
				t.Fatal(i, err)
			}
		}
	}
	write()
	for name, tt := range map[string]struct {
		filter LogFilter
		want   []string
	}{
		"all":      {LogFilter{}, []string{"cart first", "cart second", "cart ab12 in its text", "cart panic: out of stock"}},
		"trace":    {LogFilter{TraceID: "ab12"}, []string{"cart first"}},
		"prefix":   {LogFilter{TraceID: "ab"}, []string{"cart first", "cart second"}},
		"span":     {LogFilter{TraceID: "ab", SpanID: "02"}, []string{"cart second"}},
		"level":    {LogFilter{Level: "info"}, []string{"cart first", "cart second"}},
		"text":     {LogFilter{Grep: regexp.MustCompile("^panic|second")}, []string{"cart second", "cart panic: out of stock"}},
		"no match": {LogFilter{TraceID: "ef"}, nil},
	} {
		if got := read(t, l, LogQuery{LogFilter: tt.filter}); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	// A line without a time is as old as the one before it, whether or not that one is wanted.
	since := LogQuery{Since: time.Unix(3, 0), LogFilter: LogFilter{Grep: regexp.MustCompile("panic")}}
	if got := read(t, l, since); len(got) != 1 {
		t.Errorf("since then: %q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var got []string
	first := true
	err := l.Read(ctx, LogQuery{Follow: true, LogFilter: LogFilter{SpanID: "02"}}, func(line *LogLine) error {
		got = append(got, line.Message)
		if first {
			first = false
			write()
			return nil
		}
		cancel()
		return nil
	})
	if err != nil || !slices.Equal(got, []string{"second", "second"}) {
		t.Errorf("followed %q, %v", got, err)
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
	err := l.Read(ctx, LogQuery{Follow: true}, func(line *LogLine) error {
		if line.Message != fmt.Sprint(next) {
			t.Errorf("got %s, want %d", line.Message, next)
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

func TestASlowFollowerReadsHowManyLinesItLost(t *testing.T) {
	f := &follower{lines: make(chan *LogLine, 4)}
	in := &instanceLog{LogSource: LogSource{Service: "cart"}}
	for i := range 6 {
		f.offer(in, fmt.Appendf(nil, "%d\n", i))
	}
	<-f.lines
	<-f.lines
	<-f.lines
	f.offer(in, []byte("last\n"))
	if got := (<-f.lines).Message; got != "3 lines were skipped: they were written faster than they were read" {
		t.Errorf("got %q", got)
	}
	if got := (<-f.lines).Message; got != "last" {
		t.Errorf("got %q", got)
	}
}

func TestOldLogsGoWhenThereAreTooMany(t *testing.T) {
	l := newLogs(t)
	for i := range maxLogs + 5 {
		w, err := l.Writer(LogSource{Service: "cart", Instance: fmt.Sprintf("cart-%d", i), Main: true})
		if err != nil {
			t.Fatal(err)
		}
		say(w, i, "x")
		w.Close()
	}
	files, _ := filepath.Glob(filepath.Join(l.dir, "*.log"))
	if len(files) > maxLogs+1 || l.Knows("ad") || !l.Knows("cart") {
		t.Errorf("%d files", len(files))
	}
}

func TestLevelsAreOneOfFour(t *testing.T) {
	for in, want := range map[string]string{"WARNING": "warn", "Info": "info", "fatal": "error", "": "", "debug": "debug"} {
		if got := logrecord.Level(in); got != want {
			t.Errorf("level(%q) = %q", in, got)
		}
	}
}

func TestTheModulesOfAMonolithAreReadByTheirNames(t *testing.T) {
	l := newLogs(t)
	w, err := l.Writer(LogSource{Service: "monolith", Instance: "monolith-1", Main: true, Modules: map[string]string{"cartservice": "cart", "adservice": "ad"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	for second, service := range []string{"cartservice", "adservice", "monolith", "cartservice"} {
		fmt.Fprintf(w, `{"timestamp":%q,"service":%q,"message":"m%d"}`+"\n", time.Unix(int64(second+1), 0).UTC().Format(time.RFC3339Nano), service, second)
	}
	for service, want := range map[string]string{
		"":         "[cart m0 ad m1 monolith m2 cart m3]",
		"monolith": "[cart m0 ad m1 monolith m2 cart m3]",
		"cart":     "[cart m0 cart m3]",
	} {
		if got := fmt.Sprint(read(t, l, LogQuery{Service: service})); got != want {
			t.Errorf("of %q: %s, want %s", service, got, want)
		}
	}
	if !l.Knows("ad") || l.Knows("email") {
		t.Error("it does not know whose records it keeps")
	}
}

func TestTheFirstContainerIsReadUnlessAnotherIsRequested(t *testing.T) {
	l := newLogs(t)
	for i, name := range []string{"setup", "server", "proxy"} {
		w, err := l.Writer(LogSource{Service: "cart", Instance: "cart-1", Container: name, Main: name == "server"})
		if err != nil {
			t.Fatal(err)
		}
		say(w, i, name)
		w.Close()
	}
	for name, c := range map[string]struct {
		query LogQuery
		want  string
	}{
		"a service":             {LogQuery{Service: "cart"}, "[cart server]"},
		"an instance":           {LogQuery{Instance: "cart-1"}, "[cart server]"},
		"one container":         {LogQuery{Service: "cart", Container: "proxy"}, "[cart proxy]"},
		"an init container":     {LogQuery{Container: "setup"}, "[cart setup]"},
		"all of them":           {LogQuery{Service: "cart", AllContainers: true}, "[cart setup cart server cart proxy]"},
		"the whole shop":        {LogQuery{}, "[cart setup cart server cart proxy]"},
		"one that is not there": {LogQuery{Service: "cart", Container: "x"}, "[]"},
	} {
		if got := fmt.Sprint(read(t, l, c.query)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if got := l.LastLines("cart-1", "setup", 3); fmt.Sprint(got) != "[setup]" {
		t.Errorf("last lines of the init container: %v", got)
	}
}
