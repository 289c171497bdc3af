package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopctl/shopctl/lessons"
	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/lessontest"
	lessonprogress "github.com/shopctl/shopctl/pkg/lesson/progress"
)

func TestTheLessonsOfTheBinaryAreSound(t *testing.T) {
	w := newWorld(t)
	if code := w.run("lesson", "lint"); code != exitOK {
		t.Errorf("exit %d:\n%s%s", code, w.out.String(), w.err.String())
	}
	all, err := ownLessons()
	if err != nil || lesson.Find(all, "grpc") == nil {
		t.Errorf("%d lessons, %v", len(all), err)
	}
}

func TestLessonsAreListedWithProgress(t *testing.T) {
	w := newWorld(t)
	w.f.IO.ShopName = defaultName
	store, _, err := lessonProgress(w.f)
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Save("grpc", &lessonprogress.Lesson{Status: lessonprogress.Started, Step: "deadline", Steps: map[string]*lessonprogress.Step{
		"contract": {Finished: testNow()}, "deadline": {},
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.want(exitOK, "lesson", "list")
	if !strings.Contains(w.out.String(), "1 of 6, at deadline") {
		t.Errorf("table: %s", w.out.String())
	}
	w.want(exitOK, "lesson", "list", "-o", "json")
	var view lessonsView
	if err := json.Unmarshal(w.out.Bytes(), &view); err != nil {
		t.Fatal(err)
	}
	if l := view.Lessons[slices.Index(lessons.Curriculum(), "grpc")]; l.ID != "grpc" || l.Status != "started" || l.Step != "deadline" || l.Done != 1 || l.Steps != 6 {
		t.Errorf("%+v", l)
	}
	w.want(exitOK, "lesson", "list", "-o", "name")
	if w.out.String() != strings.Join(lessons.Curriculum(), "\n")+"\n" {
		t.Errorf("names: %q", w.out.String())
	}
}

func TestProgressIsForgottenAndBroughtBack(t *testing.T) {
	w := newWorld(t)
	w.f.IO.ShopName = defaultName
	store, _, err := lessonProgress(w.f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Save("grpc", &lessonprogress.Lesson{Status: lessonprogress.Done}); err != nil {
		t.Fatal(err)
	}
	status := func() string {
		w.want(exitOK, "lesson", "list", "-o", "json")
		var view lessonsView
		if err := json.Unmarshal(w.out.Bytes(), &view); err != nil {
			t.Fatal(err)
		}
		return view.Lessons[slices.Index(lessons.Curriculum(), "grpc")].Status
	}
	w.want(exitUsage, "lesson", "reset")
	w.want(exitUsage, "lesson", "reset", "grcp")
	w.wantErr("did you mean grpc?")
	w.want(exitOK, "lesson", "reset", "grpc")
	if got := status(); got != "new" {
		t.Errorf("after reset: %s", got)
	}
	w.want(exitOK, "lesson", "reset", "--undo")
	if got := status(); got != "done" {
		t.Errorf("after undo: %s", got)
	}
	w.want(exitOK, "lesson", "reset", "--all")
	w.want(exitOK, "lesson", "reset", "--all")
	w.wantErr("nothing to forget")
}

func TestProgressIsTakenElsewhere(t *testing.T) {
	w := newWorld(t)
	w.f.IO.ShopName = defaultName
	store, _, err := lessonProgress(w.f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Save("grpc", &lessonprogress.Lesson{Status: lessonprogress.Done, Updated: testNow()}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "progress.json")
	w.want(exitOK, "lesson", "export", file)
	w.wantErr("next: shopctl lesson import " + file)
	w.want(exitUsage, "lesson", "reset", "--track", "comunication")
	w.wantErr("did you mean communication?")
	w.want(exitUsage, "lesson", "reset", "--track", "communication", "--all")
	w.wantErr("exclude each other")
	w.want(exitOK, "lesson", "reset", "--track", "communication")
	w.want(exitOK, "lesson", "list", "-o", "json")
	if !strings.Contains(w.out.String(), `"status": "new"`) {
		t.Errorf("after the reset of the track: %s", w.out.String())
	}
	w.want(exitOK, "lesson", "import", file)
	w.wantErr("taken over: grpc")
	w.want(exitOK, "lesson", "export", "-")
	exported := w.out.String()
	if !strings.Contains(exported, `"status": "done"`) {
		t.Errorf("exported: %s", exported)
	}
	w.f.IO.In = strings.NewReader(exported)
	w.want(exitOK, "lesson", "import", "--all", "-")
	w.wantErr("shopctl lesson reset --undo")
	w.f.IO.In = strings.NewReader("{}")
	w.want(exitUsage, "lesson", "import", "-")
	w.wantErr("import progress: - is no progress", "shopctl: hint:")
	w.f.IO.In = strings.NewReader(`{"version": 99}`)
	w.want(exitUsage, "lesson", "import", "-")
	w.wantErr("has version 99", "use the shopctl that wrote it")
	w.want(exitUsage, "lesson", "import", file+".none")
	w.wantErr("no such file")
}

func TestWrongLessonCommandsAreToldWhatWasMeant(t *testing.T) {
	w := newWorld(t)
	for hint, args := range map[string][]string{
		"did you mean grpc?":                       {"lesson", "grcp"},
		"did you mean deadline?":                   {"lesson", "grpc", "--step", "deadlin"},
		"one lesson at a time":                     {"lesson", "grpc", "grpc"},
		"no such directory":                        {"lesson", "lint", "./nowhere"},
		`unknown lesson "nowhere"`:                 {"lesson", "test", "nowhere"},
		"--parallel 9: want 1 to 8":                {"lesson", "test", "--parallel", "9"},
		"--step and --solve-to exclude each other": {"lesson", "grpc", "--step", "newer", "--solve-to", "newer"},
	} {
		w.want(exitUsage, args...)
		w.wantErr(hint)
	}
	w.want(exitNotRunning, "lesson", "grpc")
	w.wantErr("shopctl up")
}

func TestLintTellsFileLineAndCode(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	write := func(text string) {
		if err := os.MkdirAll(filepath.Join(dir, "t", "x"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "t", "x", "lesson.md"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.want(exitUsage, "lesson", "lint", dir)
	write(strings.Replace(lessontest.Text, "minutes: 5", "minuts: 5", 1))
	w.want(exitFailed, "lesson", "lint", dir)
	if got := w.out.String(); got != dir+"/t/x/lesson.md:5:1: unknown key \"minuts\"; did you mean \"minutes\"? (syntax)\n" {
		t.Errorf("lint: %s", got)
	}
	write(strings.Replace(lessontest.Text, "minutes: 5", "minutes: 50", 1))
	w.want(exitFailed, "lesson", "lint", dir, "-o", "json")
	var view problemsView
	if err := json.Unmarshal(w.out.Bytes(), &view); err != nil {
		t.Fatal(err)
	}
	codes := map[string]bool{}
	for _, p := range view.Problems {
		codes[p.Code] = true
	}
	if !codes["minutes"] || !codes["no-solution"] {
		t.Errorf("%+v", view.Problems)
	}
}

// openSample opens the sample lesson on a shop in memory.
func openSample(t *testing.T) (*lesson.Session, *lessontest.Shop) {
	t.Helper()
	shop := lessontest.New(time.Now)
	d := shop.Deps()
	d.Progress = lessonprogress.New(filepath.Join(t.TempDir(), "progress.json"), time.Now)
	d.Workspace = filepath.Join(t.TempDir(), "lessons", "sample")
	s, err := lesson.Open(t.Context(), lessontest.Lesson(t, nil), d)
	if err != nil {
		t.Fatal(err)
	}
	return s, shop
}

func TestALessonThatCannotKeepItsFilesSaysWhere(t *testing.T) {
	w := newWorld(t).serve(&fakeShop{status: healthy()})
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.env["SHOPCTL_STATE_DIR"] = file
	w.want(exitEnvironment, "lesson", "grpc", "--no-tui")
	w.wantErr("shopctl: error: ", "not a directory", "shopctl: hint: make "+file, "SHOPCTL_STATE_DIR")
}

func TestALessonAsEventsIsOneObjectALine(t *testing.T) {
	w := newWorld(t)
	s, shop := openSample(t)
	w.f.IO.In = strings.NewReader("predict empty guess\njump\n\nrun\nobserve 69\nexpect logged pass\nanswer code 5\nnext\nshopctl fault inject catalog --delay 2s\nexpect timed-out pass\n")
	if err := lessonEvents(t.Context(), w.f.IO, s); err != nil {
		t.Fatal(err)
	}
	if err := (&lessonOptions{f: w.f, again: "lesson sample"}).leave(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	var failed []string
	last := lessonEvent{}
	for line := range strings.Lines(w.out.String()) {
		var e lessonEvent
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if e.Error != "" {
			failed = append(failed, e.Action)
		}
		if e.View != nil {
			last = e
		}
	}
	if len(failed) != 1 || failed[0] != "jump" {
		t.Errorf("failed: %q", failed)
	}
	if last.View == nil || last.View.Step.ID != "slow" {
		t.Errorf("last view: %+v", last.View)
	}
	if f := shop.Faults(); len(f) != 0 {
		t.Errorf("faults stay: %q", f)
	}
}

func TestTheLanguageIsTheUsersOwn(t *testing.T) {
	for want, env := range map[string]map[string]string{
		"en": {}, "ja": {"LANG": "ja_JP.UTF-8"}, "de": {"LC_ALL": "de_DE", "LANG": "ja_JP.UTF-8"}, "c": {"LANG": "C.UTF-8"},
	} {
		f := &Factory{Getenv: func(key string) string { return env[key] }}
		if got := language(f, ""); got != want {
			t.Errorf("%v: %s, want %s", env, got, want)
		}
		if got := language(f, "fr"); got != "fr" {
			t.Errorf("%v with --lang fr: %s", env, got)
		}
	}
}

func TestALessonOfOnesOwnIsBegun(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	w.want(exitOK, "lesson", "new", "--dir", dir, "communication/caching")
	place := filepath.Join(dir, "communication", "caching")
	if !strings.HasPrefix(w.out.String(), filepath.Join(place, "lesson.md")+"\n") {
		t.Errorf("written: %s", w.out.String())
	}
	w.wantErr("shopctl lesson lint "+place, "shopctl lesson test "+place)
	w.want(exitUsage, "lesson", "new", "--dir", dir, "communication/caching")
	w.wantErr("it exists already", "choose another name")
	w.want(exitUsage, "lesson", "new", "caching")
	w.wantErr("shopctl lesson new communication/caching")
	w.want(exitFailed, "lesson", "lint", place)
	if out := w.out.String(); strings.Count(out, "(fill-in)") != strings.Count(out, "\n") || !strings.HasPrefix(out, place+"/lesson.md:3:1: ") {
		t.Errorf("lint: %s", out)
	}
	w.want(exitUsage, "lesson", "play", place, "--from", "frist")
	w.wantErr("did you mean first?")
	w.want(exitNotRunning, "lesson", "play", place)
	w.wantErr("lesson.md:3:1: ", "shopctl up")
	w.want(exitNotRunning, "lesson", place)
	w.want(exitUsage, "lesson", "play", filepath.Join(dir, "none"))
	w.wantErr("no such directory")
	w.want(exitOK, "lesson", "new", "--dir", dir, "communication/other")
	w.want(exitUsage, "lesson", dir)
	w.wantErr("there are 2 lessons in "+dir, "shopctl lesson "+place)
	w.want(exitUsage, "lesson", t.TempDir())
	w.wantErr("there is no lesson.md in ")
}

func TestTheSchemaIsJSON(t *testing.T) {
	w := newWorld(t)
	for _, args := range [][]string{{"lesson", "schema"}, {"lesson", "schema", "check"}} {
		w.want(exitOK, args...)
		var schema map[string]any
		if err := json.Unmarshal(w.out.Bytes(), &schema); err != nil || schema["$defs"] == nil {
			t.Errorf("%v: %v", args, err)
		}
	}
	w.want(exitUsage, "lesson", "schema", "chek")
	w.wantErr(`did you mean "check"?`, "shopctl lesson schema check")
}

func TestALessonFromElsewhereIsNotTrustedUnlessSomebodySaysSo(t *testing.T) {
	w := newWorld(t).serve(&fakeShop{status: healthy()})
	dir := t.TempDir()
	w.want(exitOK, "lesson", "new", "--dir", dir, "communication/caching")
	place := filepath.Join(dir, "communication", "caching")
	if err := os.WriteFile(filepath.Join(place, "x.yaml"), []byte("command: [ls]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"lesson", place, "--no-tui"}, {"lesson", "play", place}} {
		w.want(exitUsage, args...)
		w.wantErr("x.yaml:1:1: it names a program", "shopctl lesson play --trust DIR")
	}
}

func TestTheGuardActsOnlyWhenTheLessonVanishes(t *testing.T) {
	w := newWorld(t)
	w.f.IO.In = strings.NewReader(lessonDone)
	w.want(exitOK, "lesson", "guard")
	w.f.IO.In = strings.NewReader("")
	w.want(exitNotRunning, "lesson", "guard")
	w.serve(&fakeShop{status: healthy()})
	w.f.IO.In = strings.NewReader("")
	w.want(exitOK, "lesson", "guard")
}
