package trace_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/trace"
	"github.com/shopctl/shopctl/pkg/trace/draw"
	"github.com/shopctl/shopctl/pkg/trace/tracetest"
)

// wrongTimes are times of a span that cannot be right, beside one from 10 to 20 ms in 2026.
func wrongTimes() map[string][2]time.Time {
	at := time.Date(2026, 3, 1, 12, 0, 0, 10e6, time.UTC)
	unix := func(n int64) time.Time { return time.Unix(0, n) }
	return map[string][2]time.Time{
		"no start":          {{}, at},
		"start 0":           {unix(0), at},
		"end 0":             {at, unix(0)},
		"neither":           {unix(0), unix(0)},
		"end before start":  {at, at.Add(-time.Millisecond)},
		"seconds":           {unix(at.Unix()), unix(at.Unix() + 1)},
		"milliseconds":      {unix(at.UnixMilli()), unix(at.UnixMilli() + 9)},
		"microseconds":      {unix(at.UnixMicro()), unix(at.UnixMicro() + 9000)},
		"an end of 2^63":    {at, unix(math.MaxInt64)},
		"both of 2^63":      {unix(math.MaxInt64), unix(math.MaxInt64)},
		"a year before":     {at.AddDate(-1, 0, 0), at.AddDate(-1, 0, 0).Add(time.Millisecond)},
		"a decade after":    {at.AddDate(10, 0, 0), at.AddDate(10, 0, 0).Add(time.Millisecond)},
		"a month of length": {at, at.AddDate(0, 1, 0)},
	}
}

const ofThree = `1 - server a root 0 100
2 1 client a call 10 40
3 2 server b call 15 35`

func TestATimeThatCannotBeRightCountsNowhere(t *testing.T) {
	for name, times := range wrongTimes() {
		for i := range 3 {
			var spans []*trace.Span
			for _, s := range tracetest.Read(t, ofThree).Spans {
				spans = append(spans, &trace.Span{Record: s.Record})
			}
			spans[i].Start, spans[i].End = times[0], times[1]
			tr := trace.Assemble(spans)[0]
			if n := tr.Count(trace.Untimed); n != 1 || spans[i].Timed() || spans[i].Duration() != 0 {
				t.Errorf("%s: %d spans are untimed, want one", name, n)
			}
			if d := tr.Duration(); d > 100*time.Millisecond || d < 20*time.Millisecond || tr.Start.Year() != 2026 {
				t.Errorf("%s of span %d: the trace takes %s from %s", name, i+1, d, tr.Start)
			}
			if len(tr.CriticalPath()) == 0 || slices.ContainsFunc(tr.CriticalPath(), func(s trace.Step) bool { return s.Span == spans[i] }) {
				t.Errorf("%s of span %d: path %v", name, i+1, tr.CriticalPath())
			}
			if slices.ContainsFunc(tr.Sequence().Messages, func(m trace.Message) bool { return m.At < 0 || m.At > 100*time.Millisecond }) {
				t.Errorf("%s of span %d: sequence %v", name, i+1, tr.Sequence().Messages)
			}
			text := strings.Join(append(draw.Head(tr, 100, draw.Style{}), draw.Waterfall(tr, 100, draw.Style{})...), "\n")
			if !strings.Contains(text, "time unknown") || strings.Contains(text, "1970") {
				t.Errorf("%s of span %d is drawn as\n%s", name, i+1, text)
			}
		}
	}
}

func TestATraceWithoutAnyTimeIsShown(t *testing.T) {
	var spans []*trace.Span
	for _, s := range tracetest.Read(t, ofThree).Spans {
		spans = append(spans, &trace.Span{Record: s.Record})
		spans[len(spans)-1].Start = time.Time{}
	}
	tr := trace.Assemble(spans)[0]
	text := strings.Join(append(draw.Head(tr, 100, draw.Style{}), draw.Waterfall(tr, 100, draw.Style{})...), "\n")
	if tr.Timed() || tr.Duration() != 0 || len(tr.Spans) != 3 || !strings.Contains(text, "unknown") {
		t.Errorf("from %s, %s:\n%s", tr.Start, tr.Duration(), text)
	}
}

func TestParentsInACircleWithoutTimesArePlaced(t *testing.T) {
	tr := tracetest.Read(t, "1 2 server a x 0 100\n2 1 server a y 0 10")
	spans := []*trace.Span{{Record: tr.Spans[0].Record}, {Record: tr.Spans[1].Record}}
	spans[0].Start, spans[1].Start = time.Time{}, time.Time{}
	if tr := trace.Assemble(spans)[0]; len(tr.Spans) != 2 || tr.Timed() {
		t.Errorf("trace %v", tr)
	}
}

func TestAllRootsAreOnTheCriticalPath(t *testing.T) {
	tr := tracetest.Read(t, `1 - server a first 0 50
2 1 server b below 10 40
3 - server a second 60 100
4 - server a inside 70 80`)
	var got []string
	for _, s := range tr.CriticalPath() {
		got = append(got, s.Span.Name)
	}
	if want := []string{"first", "below", "first", "second"}; !slices.Equal(got, want) {
		t.Errorf("path %v, want %v", got, want)
	}
}

func TestACallThatIsServedAfterItsEndIsOfAnotherClock(t *testing.T) {
	tr := tracetest.Read(t, "1 - client a call 0 50\n2 1 server b call 60 70")
	if !tr.Spans[1].Marks.Has(trace.Skewed) {
		t.Errorf("marks %v", tr.Spans[1].Marks.Words())
	}
}
