package tui

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/style"
	"github.com/shopctl/shopctl/pkg/tui/tuitest"
)

var update = flag.Bool("update", false, "write the golden files")

// screens are the screens of the goldens.
func screens(t testing.TB, c Config) map[string]*screen {
	all := map[string]*screen{
		"dash":       dash(t, c, tuitest.Status()),
		"dash-fault": dash(t, c, tuitest.BrokenStatus()),
		"dash-down":  newScreen(t, c, nil),
		"dash-lost":  dash(t, c, tuitest.Status()),
		"details":    dash(t, c, tuitest.BrokenStatus()),
		"events":     dash(t, c, tuitest.BrokenStatus()),
		"help":       dash(t, c, tuitest.Status()),
		"palette":    dash(t, c, tuitest.Status()),
		"faults":     dash(t, c, tuitest.Status()),
	}
	down := "the shop is not running"
	all["dash-down"].send(feed.Batch{Disconnected: &down})
	all["dash-lost"].send(feed.Batch{Disconnected: &down})
	all["details"].press("enter")
	all["events"].press("4")
	all["help"].press("?")
	all["palette"].press(":")
	all["palette"].typing("call c")
	all["faults"].press("f")
	observing(t, c, all)
	calling(t, c, all)
	lessonScreens(t, c, all)
	all["small"] = dash(t, c, tuitest.Status())
	all["lesson-predict"], _ = lessonOn(t, c, predicting(), tuitest.Status())
	all["lesson-sure"], _ = lessonOn(t, c, predicting(), tuitest.Status())
	all["lesson-sure"].press("3")
	all["lesson-answer"], _ = lessonOn(t, c, answering(), tuitest.BrokenStatus())
	all["lesson-prompt"], _ = lessonOn(t, c, answering(), tuitest.BrokenStatus())
	all["lesson-prompt"].press("enter")
	all["lesson-prompt"].typing("NOT_FOUND")
	return all
}

// calling adds the screens of objects and calls.
func calling(t testing.TB, c Config, all map[string]*screen) {
	all["objects"] = objects(t, c)
	for _, name := range []string{"manifest", "secret"} {
		all[name] = objects(t, c)
		all[name].press("/")
		all[name].typing(map[string]string{"manifest": "deployment cart", "secret": "secret"}[name])
		all[name].press("enter", "enter")
		all[name].fetch()
	}
	all["call-service"] = dash(t, c, tuitest.Status())
	all["call-service"].press("1", "tab", "i", "esc")
	all["call-method"] = filling(t, c)
	all["call-method"].press("esc")
	all["call-request"] = filling(t, c)
	all["call-request"].press("enter")
	all["call-answer"] = filling(t, c)
	all["call-answer"].press("ctrl+s")
	all["call-refused"] = filling(t, c)
	all["call-refused"].called.code = codes.NotFound
	all["call-refused"].press("ctrl+s")
}

// observing adds the screens of traces, metrics, alerts and the map.
func observing(t testing.TB, c Config, all map[string]*screen) {
	for name, key := range map[string]string{
		"traces": "7", "trace": "7", "span": "7", "metrics": "8", "plot": "8", "alerts": "9", "map": "0",
	} {
		s := dash(t, c, tuitest.BrokenStatus())
		s.send(feed.Batch{Alerts: alertList(), Topology: tuitest.CallMap()})
		s.press(key)
		all[name] = s
	}
	for _, name := range []string{"traces", "trace", "span"} {
		all[name].see(feed.Result{Traces: tuitest.TraceList()})
	}
	for _, name := range []string{"trace", "span"} {
		all[name].press("enter")
		all[name].see(feed.Result{Trace: order(t)})
		all[name].press("j", "j", "j", "j")
	}
	all["span"].press("enter")
	all["lesson-trace"], _ = lessonOn(t, c, predicting(), tuitest.BrokenStatus())
	all["lesson-trace"].press("tab", "7")
	all["lesson-trace"].see(feed.Result{Traces: tuitest.TraceList()})
	all["lesson-trace"].press("enter")
	all["lesson-trace"].see(feed.Result{Trace: order(t)})
	all["metrics"].see(feed.Result{Charts: chartList()})
	for _, name := range []string{"mesh", "mesh-none"} {
		all[name] = dash(t, c, tuitest.Meshed(tuitest.BrokenStatus()))
		all[name].send(feed.Batch{Topology: tuitest.MeshedMap()})
		all[name].press("j", "j", "j", "M")
	}
	all["mesh"].see(feed.Result{Sidecar: heldBySidecar()})
	all["mesh"].press("j", "j", "j")
	all["mesh-none"].see(feed.Result{Failure: "checkout has no sidecar"})
	all["plot"].press("enter")
	all["plot"].typing("rate(up[1m])")
	all["plot"].press("enter")
	one := chartList()[2]
	one.Title = "rate(up[1m])"
	all["plot"].see(feed.Result{Charts: []feed.Chart{one}})
}

// looks are the looks and sizes of the goldens.
func looks() []goldenLook {
	three := [][2]int{{120, 40}, {80, 24}, {50, 15}}
	return []goldenLook{
		{"plain", Config{}, three},
		{"color", Config{Color: true}, three},
		{"accessible", Config{Accessible: true}, three[1:]},
		{"ascii", Config{ASCII: true}, three[1:2]},
	}
}

type goldenLook struct {
	name  string
	c     Config
	sizes [][2]int
}

// TestScreensLookAsTheyDid compares every screen with its golden: one file per screen, one section for each size and
// look.
func TestScreensLookAsTheyDid(t *testing.T) {
	got := map[string]*txtar.Archive{}
	for _, look := range looks() {
		for name, s := range screens(t, look.c) {
			if got[name] == nil {
				got[name] = &txtar.Archive{}
			}
			for _, size := range look.sizes {
				s.size(size[0], size[1])
				if name == "small" {
					s.size(size[0]/3, size[1]/3)
				}
				text := s.View().Content
				if look.c.Color {
					text = named(t, s.state.Theme, text)
				}
				got[name].Files = append(got[name].Files, txtar.File{Name: fmt.Sprintf("%dx%d %s", size[0], size[1], look.name), Data: []byte(trimmed(text))})
			}
		}
	}
	for name, archive := range got {
		golden(t, name, string(txtar.Format(archive)))
	}
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), ".golden"); ok && got[name] == nil {
			t.Errorf("%s is the golden of no screen", f.Name())
		}
	}
}

// named replaces the sequences of tones by their names, so that a golden can be read.
func named(t *testing.T, theme *style.Theme, text string) string {
	t.Helper()
	pairs := []string{"\x1b[m", "‹›"}
	for _, p := range theme.Palette() {
		on, _, _ := strings.Cut(p.Paint("x"), "x")
		pairs = append(pairs, on, "‹"+p.Name+"›")
	}
	text = strings.NewReplacer(pairs...).Replace(text)
	if i := strings.IndexByte(text, 0x1b); i >= 0 {
		t.Fatalf("a colour is none of the theme's: %q", text[i:min(len(text), i+30)])
	}
	return text
}

// trimmed removes the spaces at the ends of lines.
func trimmed(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}

func TestLinearTextHasNoBoxesAndNoSymbols(t *testing.T) {
	for name, s := range screens(t, Config{Accessible: true}) {
		for _, size := range [][2]int{{120, 40}, {80, 24}, {50, 15}} {
			s.size(size[0], size[1])
			if strings.ContainsAny(s.text(), "╭│●▲✗▁") {
				t.Errorf("%s: linear text has boxes or symbols:\n%s", name, s.text())
			}
		}
	}
}

func TestASCIIHasNoOtherCharacters(t *testing.T) {
	for name, s := range screens(t, Config{ASCII: true}) {
		for _, r := range s.View().Content { // characters that are not ASCII are shown as question marks
			if r > 0x7e {
				t.Fatalf("%s: %q is not ASCII", name, r)
			}
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test ./pkg/tui -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s has changed (go test ./pkg/tui -update accepts it):\n%s", name, diff)
	}
}

// sizes are those at which the layout changes, and some others, which differ between screens.
func sizes(screen int) [][2]int {
	var all [][2]int
	for _, w := range []int{1, 49, 50, 79, 80, 119, 120} {
		for _, h := range []int{1, 14, 15, 23, 24, 29, 30} {
			all = append(all, [2]int{w, h})
		}
	}
	for i := range 40 {
		all = append(all, [2]int{1 + (i*37+screen*11)%140, 1 + (i*17+screen*5)%45})
	}
	return all
}

func TestAnySizeIsFilledExactly(t *testing.T) {
	all := screens(t, Config{Color: true})
	for name, s := range screens(t, Config{Accessible: true}) {
		all[name+", accessible"] = s
	}
	for i, name := range slices.Sorted(maps.Keys(all)) {
		s := all[name]
		if i%5 == 0 {
			s.Update(keyOf("z")) // some are zoomed, too
		}
		for _, size := range sizes(i) {
			s.width, s.height = size[0], size[1]
			lines, _ := s.draw()
			if len(lines) != s.height {
				t.Fatalf("%s at %dx%d: %d lines", name, s.width, s.height, len(lines))
			}
			for j, line := range lines {
				if got := ansi.StringWidth(line); got != s.width {
					t.Fatalf("%s at %dx%d: line %d is %d cells wide: %q", name, s.width, s.height, j, got, line)
				}
			}
		}
	}
}
