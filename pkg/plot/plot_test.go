package plot

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the goldens")

func noon() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }

// every makes a series with a value each five seconds from noon.
func every(name string, values ...float64) Series {
	s := Series{Name: name}
	for i, v := range values {
		s.Points = append(s.Points, Point{Time: noon().Add(time.Duration(i) * 5 * time.Second), Value: v})
	}
	return s
}

func ramp(n int, f func(i float64) float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = f(float64(i))
	}
	return values
}

// quantiles are three latencies of which the largest has a gap.
func quantiles() []Series {
	return []Series{
		every("p50", ramp(40, func(i float64) float64 { return 0.010 + 0.002*math.Sin(i/4) })...),
		every("p95", ramp(40, func(i float64) float64 { return 0.040 + 0.015*math.Sin(i/6) })...),
		every("p99", ramp(40, func(i float64) float64 {
			if i > 15 && i < 22 {
				return math.NaN()
			}
			return 0.080 + 0.03*math.Cos(i/5)
		})...),
	}
}

func one(unit float64) []Series {
	return []Series{every("", ramp(60, func(i float64) float64 { return unit * (1 + math.Sin(i/9)) })...)}
}

func TestPlotsLookAsTheyDid(t *testing.T) {
	paint := func(tone Tone, text string) string { return fmt.Sprintf("\x1b[3%dm%s\x1b[m", tone, text) }
	for name, c := range map[string]struct {
		series []Series
		o      Options
	}{
		"latency":    {quantiles(), Options{Width: 60, Height: 14, Title: "latency of checkout", Unit: Seconds}},
		"ascii":      {quantiles(), Options{Width: 60, Height: 14, Unit: Seconds, Style: Style{ASCII: true}}},
		"linear":     {quantiles(), Options{Width: 72, Height: 16, Title: "latency", Unit: Seconds, Style: Style{Linear: true}}},
		"painted":    {quantiles(), Options{Width: 60, Height: 10, Unit: Seconds, Style: Style{Paint: paint}}},
		"tile":       {one(0.31), Options{Width: 38, Height: 5, Title: "errors", Unit: Ratio}},
		"low":        {quantiles(), Options{Width: 38, Height: 4, Title: "latency", Unit: Seconds}},
		"bytes":      {one(7.3e7), Options{Width: 50, Height: 9, Title: "memory", Unit: Bytes}},
		"plain":      {one(1700), Options{Width: 50, Height: 9, Title: "requests"}},
		"many":       {append(append(quantiles(), quantiles()...), quantiles()...), Options{Width: 70, Height: 9}},
		"floor":      {one(0.001), Options{Width: 50, Height: 6, Floor: 20}},
		"empty":      {nil, Options{Width: 30, Height: 3, Title: "rate", Empty: "checkout has no requests"}},
		"below-zero": {one(-40), Options{Width: 50, Height: 8}},
	} {
		got := strings.ReplaceAll(strings.Join(Lines(c.series, c.o), "\n"), "\x1b", "␛") + "\n"
		path := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("%v (go test ./pkg/plot -update writes it)", err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s has changed (go test ./pkg/plot -update accepts it):\n%s", name, diff)
		}
	}
}

func checkSize(t *testing.T, lines []string, w, h int) {
	t.Helper()
	if len(lines) != max(h, 0) {
		t.Fatalf("%dx%d: %d lines", w, h, len(lines))
	}
	for i, line := range lines {
		if got := ansi.StringWidth(line); got != max(w, 0) {
			t.Fatalf("%dx%d: line %d is %d cells wide: %q", w, h, i, got, line)
		}
	}
}

func TestAnySizeIsFilledExactly(t *testing.T) {
	for _, style := range []Style{{}, {ASCII: true}, {Linear: true}} {
		for _, series := range [][]Series{nil, {{}}, one(1), quantiles(), append(quantiles(), quantiles()...)} {
			for _, title := range []string{"", "p95 of 支払い"} {
				for w := -1; w < 90; w += 1 + max(w, 0)/20 {
					for h := -1; h < 12+max(w, 0)%7; h += 1 + max(w, 0)%3 {
						checkSize(t, Lines(series, Options{Width: w, Height: h, Title: title, Unit: Seconds, Style: style}), w, h)
					}
				}
			}
		}
	}
}

func TestSeriesAreDistinctWithoutColor(t *testing.T) {
	text := strings.Join(Lines(quantiles(), Options{Width: 60, Height: 14}), "\n")
	for i := range 3 {
		mark := Style{}.mark(i)
		if n := strings.Count(text, mark); n < 3 {
			t.Errorf("the mark %s stands %d times in\n%s", mark, n, text)
		}
	}
}

func TestALineStopsAtAGap(t *testing.T) {
	o := Options{Width: 40, Height: 6, Step: 5 * time.Second}
	whole := every("", ramp(30, func(i float64) float64 { return 5 })...)
	missing := whole
	missing.Points = append(append([]Point{}, whole.Points[:8]...), whole.Points[20:]...)
	unknown := every("", ramp(30, func(i float64) float64 {
		if i >= 8 && i < 20 {
			return math.Inf(1)
		}
		return 5
	})...)
	dots := func(s Series) int {
		n := 0
		for _, r := range strings.Join(Lines([]Series{s}, o), "") {
			if r > 0x2800 && r <= 0x28ff {
				n++
			}
		}
		return n
	}
	if full, a, b := dots(whole), dots(missing), dots(unknown); a != b || a > full*3/4 {
		t.Errorf("%d cells are drawn without a gap, %d with missing points, %d with infinite ones", full, a, b)
	}
	said := strings.Join(Lines([]Series{missing}, Options{Width: 90, Height: 6, Step: o.Step, Style: Style{Linear: true}}), "\n")
	if !strings.Contains(said, "1 gap") {
		t.Errorf("the gap is not said:\n%s", said)
	}
}

func TestPointsOutsideTheRangeDoNotCount(t *testing.T) {
	s := every("x", 1, 900, 2, 3)
	o := Options{Width: 60, Height: 8, From: noon().Add(8 * time.Second), To: noon().Add(time.Minute)}
	text := strings.Join(Lines([]Series{s}, o), "\n")
	if !strings.Contains(text, "max 3") || strings.Contains(text, "900") {
		t.Errorf("got\n%s", text)
	}
}

func TestASentenceSaysWhatASeriesDoes(t *testing.T) {
	for want, s := range map[string]Series{
		"up: last 4, lowest 1 at 12:00:00, highest 4 at 12:00:15, rising":  every("up", 1, 2, 3, 4),
		"last 1, lowest 1 at 12:00:10, highest 3 at 12:00:00, falling":     every("", 3, 2, 1),
		"x: last 2, lowest 2 at 12:00:00, highest 2.1 at 12:00:05, steady": every("x", 2, 2.1, 2),
		"gone: no values": every("gone", math.NaN()),
		"holes: last 1, lowest 1 at 12:00:00, highest 1 at 12:00:00, steady, 2 gaps": every("holes", 1, math.NaN(), 1, math.Inf(1), 1),
	} {
		if got := Sentence(s, Options{}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestNamesFromOutsideAreHarmless(t *testing.T) {
	s := every("a\x1b[31mb\tc\x00\u202e\n", 1, 2)
	text := strings.Join(Lines([]Series{s}, Options{Width: 60, Height: 8, Style: Style{ASCII: true}}), "\n")
	if strings.ContainsAny(text, "\x1b\t\x00\u202e") || !strings.Contains(text, "ab c") {
		t.Errorf("got %q", text)
	}
}

func TestASCIIIsASCII(t *testing.T) {
	s := append(quantiles(), every("süß 支払", 1, 2))
	for _, h := range []int{1, 2, 4, 9, 20} {
		for _, r := range strings.Join(Lines(s, Options{Width: 33, Height: h, Title: "größe", Style: Style{ASCII: true}}), "\n") {
			if r > 0x7e {
				t.Errorf("%q at height %d", r, h)
			}
		}
	}
}

func FuzzLinesFitAndDoNotPanic(f *testing.F) {
	f.Add("p95", "title", 60, 14, 1.0, -5.0, math.MaxFloat64, int64(5), uint8(0))
	f.Add("", "", 3, 1, math.Inf(1), math.NaN(), 5e-324, int64(-1), uint8(3))
	f.Add("支\u0301\ufe0f", "🇩🇪", 41, 9, -math.MaxFloat64, math.MaxFloat64, 0.0, int64(math.MaxInt64), uint8(6))
	f.Fuzz(func(t *testing.T, name, title string, w, h int, a, b, c float64, apart int64, flags uint8) {
		w, h = w%300, h%100
		o := Options{
			Width: w, Height: h, Title: title, Unit: Unit(flags % 5), Floor: c, Step: time.Duration(apart),
			Style: Style{ASCII: flags&8 != 0, Linear: flags&16 != 0},
		}
		if flags&32 != 0 {
			o.From, o.To = noon(), noon().Add(time.Duration(apart))
		}
		s := Series{Name: name}
		for i, v := range []float64{a, b, c, a, b} {
			s.Points = append(s.Points, Point{Time: noon().Add(time.Duration(apart * int64(i))), Value: v})
		}
		checkSize(t, Lines([]Series{s, {Name: title}, s}, o), w, h)
		checkSize(t, Lines([]Series{s}, o), w, h)
	})
}

func BenchmarkLines(b *testing.B) {
	s := quantiles()
	for b.Loop() {
		Lines(s, Options{Width: 116, Height: 20, Unit: Seconds})
	}
}
