package observe

import (
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/logrecord"
)

func TestRecordsWithoutATimeLieWhereTheyCame(t *testing.T) {
	l := newLogs(t)
	came := time.Date(2026, 11, 29, 20, 0, 0, 0, time.UTC)
	one, other := writer(t, l, "one", "one-1"), writer(t, l, "other", "other-1")
	fmt.Fprintf(one, `{"time":%q,"level":"info","msg":"first"}`+"\n", came.Add(-time.Hour).Format(time.RFC3339Nano))
	fmt.Fprintf(one, "%s\n", logrecord.Stamp([]byte(`{"level":"error","msg":"third"}`), came.Add(2*time.Second)))
	fmt.Fprintf(other, `{"ts":%d,"level":50,"msg":"second"}`+"\n", came.Add(time.Second).UnixMilli())
	fmt.Fprintf(other, "%s\n", logrecord.Stamp([]byte(`{"time":"20:00","severity":"WARNING","message":"\u001b[31mfour\u001b[0mth"}`), came.Add(3*time.Second)))
	for name, c := range map[string]struct {
		q    LogQuery
		want []string
	}{
		"all":           {LogQuery{}, []string{"one first", "other second", "one third", "other \x1b[31mfour\x1b[0mth"}},
		"since":         {LogQuery{Since: came}, []string{"other second", "one third", "other \x1b[31mfour\x1b[0mth"}},
		"level":         {LogQuery{LogFilter: LogFilter{Level: "error"}}, []string{"other second", "one third"}},
		"tail":          {LogQuery{Tail: 2}, []string{"one third", "other \x1b[31mfour\x1b[0mth"}},
		"under colors":  {LogQuery{LogFilter: LogFilter{Grep: regexp.MustCompile("fourth")}}, []string{"other \x1b[31mfour\x1b[0mth"}},
		"not the stamp": {LogQuery{LogFilter: LogFilter{Grep: regexp.MustCompile("^2026")}}, nil},
		"as written":    {LogQuery{LogFilter: LogFilter{Grep: regexp.MustCompile(`^\{"level"`)}}, []string{"one third"}},
	} {
		if got := read(t, l, c.q); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if got := l.LastLines("one-1", "server", 1); !slices.Equal(got, []string{"third"}) {
		t.Errorf("last lines %q", got)
	}
}

func BenchmarkParseLine(b *testing.B) {
	in := &instanceLog{}
	line := `{"timestamp":"2026-11-29T20:00:00.123456789Z","severity":"info","message":"request handled","service":"cartservice","instance":"cart-1","trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","method":"GetCart","code":"OK","ms":3}`
	for b.Loop() {
		parseLine(in, line)
	}
}
