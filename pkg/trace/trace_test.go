package trace_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopctl/shopctl/pkg/trace"
	"github.com/shopctl/shopctl/pkg/trace/tracetest"
)

// outline is the tree of a trace: a line for each span with what is marked.
func outline(t *trace.Trace) string {
	var b strings.Builder
	for _, s := range t.Spans {
		fmt.Fprintf(&b, "%s%d", strings.Repeat(" ", s.Depth), s.Span[0])
		for m, word := range map[trace.Mark]string{
			trace.Failed: "failed", trace.Faulty: "faulty", trace.Orphan: "orphan", trace.Skewed: "skewed",
			trace.Late: "late", trace.Duplicate: "duplicate", trace.Cyclic: "cyclic", trace.Retry: fmt.Sprintf("try%d/%d", s.Attempt, s.Attempts),
		} {
			if s.Marks.Has(m) {
				b.WriteString(" " + word)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestSpansBecomeATreeWhateverTheySayOfEachOther(t *testing.T) {
	for name, tt := range map[string]struct{ spans, want string }{
		"whole":                   {"2 1 client a x 1 9\n1 - server a x 0 10\n3 2 server b x 2 8", "1\n 2\n  3\n"},
		"siblings by start":       {"1 - server a x 0 10\n3 1 internal a late 5 6\n2 1 internal a early 1 2", "1\n 2\n 3\n"},
		"the caller sent nothing": {"1 9 server a x 0 10\n2 1 internal a y 1 2", "1\n 2\n"},
		"a parent is missing":     {"1 - server a x 5 10\n2 9 server b y 1 2", "1\n2 orphan\n"},
		"two parents are missing": {"1 8 server a x 0 10\n2 9 server b y 1 2", "1 orphan\n2 orphan\n"},
		"its own parent":          {"1 1 server a x 0 10\n2 1 internal a y 1 2", "1 cyclic\n 2\n"},
		"a circle":                {"2 3 server a x 1 10\n3 4 server a y 2 9\n4 2 server a z 3 8", "2 cyclic\n 4\n  3 skewed\n"},
		"came twice":              {"1 - server a x 0 10\n1 - server a x 0 10", "1\n"},
		"shares an id":            {"1 - client a x 0 10\n1 - server b x 1 9\n2 1 internal a y 2 3", "1 duplicate\n 2\n1 duplicate\n"},
		"before its parent":       {"1 - client a x 5 10\n2 1 server b x 2 7", "1\n 2 skewed\n"},
		"after its parent":        {"1 - client a x 0 5\n2 1 server b x 1 9", "1\n 2 late\n"},
		"ends before it begins":   {"1 - client a x 5 0", "1 skewed\n"},
		"tried again": {
			"1 - server a x 0 10\n2 1 client a b/Y 1 2 error\n3 1 client a b/Y 3 4 error\n4 1 client a b/Y 5 6",
			"1\n 2 failed\n 3 failed try2/3\n 4 try3/3\n",
		},
		"gRPC tried again":     {"1 - client a b/Y 0 10\n2 1 server b b/Y 1 2 error\n3 1 server b b/Y 3 4", "1\n 2 failed\n 3 try2/2\n"},
		"called at once":       {"1 - server a x 0 10\n2 1 client a b/Y 1 4 error\n3 1 client a b/Y 2 5", "1\n 2 failed\n 3\n"},
		"called once more":     {"1 - server a x 0 10\n2 1 client a b/Y 1 2\n3 1 client a b/Y 3 4", "1\n 2\n 3\n"},
		"a fault was injected": {"1 - server a x 0 10 error shopctl.fault=f1", "1 failed faulty\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got := sortWords(outline(tracetest.Read(t, tt.spans)))
			if d := cmp.Diff(sortWords(tt.want), got); d != "" {
				t.Errorf("tree (-want +got):\n%s", d)
			}
		})
	}
}

// sortWords orders the words of each line behind its indentation.
func sortWords(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		slices.Sort(words)
		b.WriteString(line[:len(line)-len(strings.TrimLeft(line, " "))] + strings.Join(words, " ") + "\n")
	}
	return b.String()
}

func TestAnyOrderOfSpansGivesTheSameTree(t *testing.T) {
	want := sortWords(outline(tracetest.Read(t, tracetest.Order)))
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		spans := tracetest.Spans(t, tracetest.Order)
		random.Shuffle(len(spans), func(i, j int) { spans[i], spans[j] = spans[j], spans[i] })
		if got := sortWords(outline(trace.Assemble(spans)[0])); got != want {
			t.Fatalf("tree:\n%s\nwant:\n%s", got, want)
		}
	}
}

func TestTheCriticalPathIsWhatTheRootWaitedFor(t *testing.T) {
	tr := tracetest.Read(t, `
1 - server a root  0  100
2 1 client a first 10 40
3 2 server b first 15 35
4 1 client a slow  30 90
5 1 client a quick 50 60`)
	var got []string
	for _, s := range tr.CriticalPath() {
		got = append(got, fmt.Sprintf("%d:%d-%d", s.Span.Span[0], s.From.Sub(tr.Start).Milliseconds(), s.To.Sub(tr.Start).Milliseconds()))
	}
	// Below the slow call nothing else was waited for; the first one overlaps it and was not.
	if want := []string{"1:0-30", "4:30-90", "1:90-100"}; !slices.Equal(got, want) {
		t.Errorf("path %v, want %v", got, want)
	}
}

func TestThePiecesOfThePathAddUpToTheRoot(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for round := range 300 {
		var b strings.Builder
		b.WriteString("1 - server a root 100 200\n")
		for id := 2; id < 30; id++ {
			from := 50 + random.IntN(200)
			fmt.Fprintf(&b, "%d %d client a x%d %d %d\n", id, random.IntN(30), id%3, from, from+random.IntN(80)-10)
		}
		tr := tracetest.Read(t, b.String())
		if !tr.Root().Timed() {
			continue // a torn-off span whose clock ran backwards
		}
		begins, at, end := map[time.Time]bool{}, time.Time{}, time.Time{}
		for _, s := range tr.Roots {
			if s.End.After(s.Start) && (s.Parent == (trace.SpanID{}) || s == tr.Root()) {
				begins[s.Start] = true
				if s.End.After(end) {
					end = s.End
				}
			}
		}
		for _, s := range tr.CriticalPath() {
			if !s.From.Equal(at) && (!begins[s.From] || s.From.Before(at)) || s.To.Before(s.From) {
				t.Fatalf("round %d: the path jumps from %s to %s in\n%s", round, at, s.From, b.String())
			}
			at = s.To
		}
		if !at.Equal(end) {
			t.Fatalf("round %d: the path ends at %s, the last root at %s", round, at, end)
		}
	}
}

func TestAnOrderIsASequenceOfCalls(t *testing.T) {
	q := tracetest.Read(t, tracetest.Order).Sequence()
	if want := []string{"caller", "frontend", "checkoutservice", "cartservice", "redis", "paymentservice"}; !slices.Equal(q.Participants, want) {
		t.Errorf("participants %v, want %v", q.Participants, want)
	}
	var got []string
	for _, m := range q.Messages {
		verb := ">"
		if m.Response {
			verb = "<"
		}
		got = append(got, fmt.Sprintf("%d %s%s%s", m.At.Milliseconds(), m.From, verb, m.To))
	}
	want := []string{
		"0 caller>frontend", "5 frontend>checkoutservice", "8 checkoutservice>cartservice", "10 cartservice>redis", "18 redis<cartservice",
		"20 cartservice<checkoutservice", "25 checkoutservice>paymentservice", "40 paymentservice<checkoutservice",
		"45 checkoutservice>paymentservice", "85 paymentservice<checkoutservice", "95 checkoutservice<frontend", "100 frontend<caller",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("messages (-want +got):\n%s", d)
	}
}

func TestTheCausesOfADifferenceAddUpToIt(t *testing.T) {
	a := tracetest.Read(t, "1 - server a x 0 50\n2 1 client a b/Y 5 30\n3 2 server b b/Y 6 29\n5 1 client a gone 31 33")
	b := tracetest.Read(t, "1 - server a x 0 90\n2 1 client a b/Y 5 70\n3 2 server b b/Y 6 69\n4 1 client a new 75 80")
	d := trace.Compare(a, b)
	var sum time.Duration
	var got []string
	for _, p := range d.Pairs {
		sum += p.Cause()
		got = append(got, fmt.Sprintf("%d %s %v %v", p.Depth, p.Span().Name, p.A != nil, p.B != nil))
	}
	if sum != 40*time.Millisecond {
		t.Errorf("the causes add up to %s, want 40ms", sum)
	}
	if want := []string{"0 x true true", "1 b/Y true true", "2 b/Y true true", "1 new false true", "1 gone true false"}; !slices.Equal(got, want) {
		t.Errorf("pairs %q, want %q", got, want)
	}
}

func TestADeepTraceNeedsNoDeepRecursion(t *testing.T) {
	var spans []*trace.Span
	for i := range 100_000 {
		id := func(n int) trace.SpanID { return trace.SpanID{byte(n), byte(n >> 8), byte(n >> 16), 1} }
		s := &trace.Span{Record: trace.Record{Trace: trace.ID{1}, Span: id(i), Name: "x", Start: time.Unix(1_800_000_000, int64(i)), End: time.Unix(1_800_000_001, -int64(i))}}
		if i > 0 {
			s.Parent = id(i - 1)
		}
		spans = append(spans, s)
	}
	tr := trace.Assemble(spans)[0]
	if last := tr.Spans[len(tr.Spans)-1]; last.Depth != 99_999 || len(tr.CriticalPath()) == 0 {
		t.Errorf("depth %d, %d steps", last.Depth, len(tr.CriticalPath()))
	}
}
