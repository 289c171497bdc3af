package draw_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/trace"
	"github.com/shopctl/shopctl/pkg/trace/draw"
	"github.com/shopctl/shopctl/pkg/trace/tracetest"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, lines []string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	got := strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got), update it with -update:\n%s", path, d)
	}
}

func styles() map[string]draw.Style {
	short := func(name string) string { return strings.TrimSuffix(name, "service") }
	return map[string]draw.Style{
		"unicode": {Name: short}, "ascii": {Name: short, ASCII: true}, "linear": {Name: short, ASCII: true, Linear: true},
	}
}

// slower is the order again, with a slower cart and a payment that succeeds at once.
const slower = `
1 - server   frontend        POST_/cart/checkout                     0  180
2 1 client   frontend        hipstershop.CheckoutService/PlaceOrder  5  170 rpc.system.name=grpc
3 2 server   checkoutservice hipstershop.CheckoutService/PlaceOrder  6  165 rpc.system.name=grpc
4 3 client   checkoutservice hipstershop.CartService/GetCart         8  120 rpc.system.name=grpc
5 4 server   cartservice     hipstershop.CartService/GetCart         9  119 rpc.system.name=grpc
6 3 client   checkoutservice hipstershop.PaymentService/Charge       125 150 rpc.system.name=grpc
7 6 server   paymentservice  hipstershop.PaymentService/Charge       126 149 rpc.system.name=grpc
`

func TestTracesAreDrawn(t *testing.T) {
	order := tracetest.Read(t, tracetest.Order)
	broken := tracetest.Read(t, "1 - server a x 5 10\n1 - client a y 6 7\n2 9 server b y 1 2\n3 3 server c z 6 20 error\n4 3 internal c w 5 21")
	diff := trace.Compare(order, tracetest.Read(t, slower))
	for name, s := range styles() {
		golden(t, "waterfall-"+name, append(draw.Head(order, 100, s)[1:], draw.Waterfall(order, 100, s)...))
		golden(t, "broken-"+name, append(draw.Head(broken, 100, s)[1:], draw.Waterfall(broken, 100, s)...))
		golden(t, "sequence-"+name, draw.Sequence(order, 120, s))
		golden(t, "diff-"+name, draw.Diff(diff, 120, s))
	}
}

func TestAWaterfallHasOneLineARowAndKeepsItsWidth(t *testing.T) {
	order := tracetest.Read(t, tracetest.Order)
	for name, s := range styles() {
		if s.Linear {
			continue
		}
		for width := 40; width < 200; width += 7 {
			lines := draw.Waterfall(order, width, s)
			if len(lines) != len(draw.Rows(order)) {
				t.Errorf("%s: %d lines for %d rows", name, len(lines), len(draw.Rows(order)))
			}
			for _, line := range lines {
				if ansi.StringWidth(line) > width {
					t.Errorf("%s at %d: %d cells: %s", name, width, ansi.StringWidth(line), line)
				}
			}
		}
	}
}

func TestSpansAreComparedByMoreDigitsThanFitATable(t *testing.T) {
	s := draw.Style{}
	for _, c := range []struct {
		a, b         time.Duration
		textA, textB string
	}{
		{310 * time.Microsecond, 340 * time.Microsecond, "310µs", "340µs"},
		{2910 * time.Millisecond, 2940 * time.Millisecond, "2.91s", "2.94s"},
		{12340 * time.Millisecond, 12360 * time.Millisecond, "12.34s", "12.36s"},
	} {
		if humanize.Duration(c.a) != humanize.Duration(c.b) {
			t.Errorf("humanize.Duration distinguishes %s and %s: use it", c.a, c.b)
		}
		if a, b := s.Duration(c.a), s.Duration(c.b); a != c.textA || b != c.textB {
			t.Errorf("%s and %s are written %s and %s", c.a, c.b, a, b)
		}
	}
}

func TestForeignTextCannotSteerTheTerminal(t *testing.T) {
	spans := tracetest.Spans(t, tracetest.Order)
	for _, s := range spans {
		s.Service += "\x1b[2J"
		s.Name = "evil\r\n\x1b]0;title\x07\u202e\xff" + strings.Repeat("x", 5000)
		s.Message = "\x1b[31m"
	}
	tr := trace.Assemble(spans)[0]
	s := draw.Style{ASCII: true}
	lines := slices.Concat(draw.Head(tr, 100, s), draw.Waterfall(tr, 100, s), draw.Sequence(tr, 100, s), draw.Diff(trace.Compare(tr, tr), 100, s))
	for _, line := range lines {
		for _, r := range line {
			if r < ' ' || r > '~' {
				t.Fatalf("%q holds %q", line, r)
			}
		}
	}
}

func TestASCIIOutputHasNoOtherCharacters(t *testing.T) {
	order := tracetest.Read(t, tracetest.Order)
	for name, s := range styles() {
		lines := slices.Concat(draw.Head(order, 100, s), draw.Waterfall(order, 100, s), draw.Sequence(order, 100, s), draw.Diff(trace.Compare(order, order), 100, s))
		if text := strings.Join(lines, ""); s.ASCII && strings.ContainsFunc(text, func(r rune) bool { return r > '~' }) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestLinksAreNamedBelowTheirSpan(t *testing.T) {
	tr := tracetest.Read(t, "1 - client a call 0 50\n2 1 server b call 10 40")
	tr.Spans[1].Links = []trace.Link{{Trace: trace.ID{1}, Span: trace.SpanID{2}, Attributes: []trace.Attribute{{Key: "why", Value: "\x1bx"}}}}
	want := "linked to trace 01000000000000000000000000000000 span 0200000000000000 why=^[x"
	if got := draw.Links(draw.Rows(tr)[0]); len(got) != 1 || got[0] != want {
		t.Errorf("links %q, want %q", got, want)
	}
}
