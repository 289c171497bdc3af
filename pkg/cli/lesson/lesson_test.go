package lesson_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopctl/shopctl/lessons"
	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	lessoncmd "github.com/shopctl/shopctl/pkg/cli/lesson"
	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/lessontest"
	lessonprogress "github.com/shopctl/shopctl/pkg/lesson/progress"
)

func TestTheLessonsOfTheBinaryAreSound(t *testing.T) {
	w := clitest.NewWorld(t)
	if code := w.Run("lesson", "lint"); code != cmdutil.ExitOK {
		t.Errorf("exit %d:\n%s%s", code, w.Out.String(), w.Err.String())
	}
	all, err := lessoncmd.OwnLessons()
	if err != nil || lesson.Find(all, "grpc") == nil {
		t.Errorf("%d lessons, %v", len(all), err)
	}
}

func TestLessonsAreListedWithProgress(t *testing.T) {
	w := clitest.NewWorld(t)
	w.F.IO.ShopName = iostreams.DefaultShop
	store, _, err := lessoncmd.LessonProgress(w.F)
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Save("grpc", &lessonprogress.Lesson{Status: lessonprogress.Started, Step: "deadline", Steps: map[string]*lessonprogress.Step{
		"contract": {Finished: clitest.TestNow()}, "deadline": {},
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.Want(cmdutil.ExitOK, "lesson", "list")
	if !strings.Contains(w.Out.String(), "1 of 6, at deadline") {
		t.Errorf("table: %s", w.Out.String())
	}
	w.Want(cmdutil.ExitOK, "lesson", "list", "-o", "json")
	var view lessoncmd.LessonsView
	if err := json.Unmarshal(w.Out.Bytes(), &view); err != nil {
		t.Fatal(err)
	}
	if l := view.Lessons[slices.Index(curriculum(t), "grpc")]; l.ID != "grpc" || l.Status != "started" || l.Step != "deadline" || l.Done != 1 || l.Steps != 6 {
		t.Errorf("%+v", l)
	}
	w.Want(cmdutil.ExitOK, "lesson", "list", "-o", "name")
	if w.Out.String() != strings.Join(curriculum(t), "\n")+"\n" {
		t.Errorf("names: %q", w.Out.String())
	}
}

func TestProgressIsForgottenAndBroughtBack(t *testing.T) {
	w := clitest.NewWorld(t)
	w.F.IO.ShopName = iostreams.DefaultShop
	store, _, err := lessoncmd.LessonProgress(w.F)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Save("grpc", &lessonprogress.Lesson{Status: lessonprogress.Done}); err != nil {
		t.Fatal(err)
	}
	status := func() string {
		w.Want(cmdutil.ExitOK, "lesson", "list", "-o", "json")
		var view lessoncmd.LessonsView
		if err := json.Unmarshal(w.Out.Bytes(), &view); err != nil {
			t.Fatal(err)
		}
		return view.Lessons[slices.Index(curriculum(t), "grpc")].Status
	}
	w.Want(cmdutil.ExitUsage, "lesson", "reset")
	w.Want(cmdutil.ExitUsage, "lesson", "reset", "grcp")
	w.WantErr("did you mean grpc?")
	w.Want(cmdutil.ExitOK, "lesson", "reset", "grpc")
	if got := status(); got != "new" {
		t.Errorf("after reset: %s", got)
	}
	w.Want(cmdutil.ExitOK, "lesson", "reset", "--undo")
	if got := status(); got != "done" {
		t.Errorf("after undo: %s", got)
	}
	w.Want(cmdutil.ExitOK, "lesson", "reset", "--all")
	w.Want(cmdutil.ExitOK, "lesson", "reset", "--all")
	w.WantErr("there is no progress to reset")
}

func TestProgressIsTakenElsewhere(t *testing.T) {
	w := clitest.NewWorld(t)
	w.F.IO.ShopName = iostreams.DefaultShop
	store, _, err := lessoncmd.LessonProgress(w.F)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Save("grpc", &lessonprogress.Lesson{Status: lessonprogress.Done, Updated: clitest.TestNow()}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "progress.json")
	w.Want(cmdutil.ExitOK, "lesson", "export", file)
	w.WantErr("next: shopctl lesson import " + file)
	w.Want(cmdutil.ExitUsage, "lesson", "reset", "--track", "comunication")
	w.WantErr("did you mean communication?")
	w.Want(cmdutil.ExitUsage, "lesson", "reset", "--track", "communication", "--all")
	w.WantErr("cannot be combined")
	w.Want(cmdutil.ExitOK, "lesson", "reset", "--track", "communication")
	w.Want(cmdutil.ExitOK, "lesson", "list", "-o", "json")
	if !strings.Contains(w.Out.String(), `"status": "new"`) {
		t.Errorf("after the reset of the track: %s", w.Out.String())
	}
	w.Want(cmdutil.ExitOK, "lesson", "import", file)
	w.WantErr("imported: grpc")
	w.Want(cmdutil.ExitOK, "lesson", "export", "-")
	exported := w.Out.String()
	if !strings.Contains(exported, `"status": "done"`) {
		t.Errorf("exported: %s", exported)
	}
	w.F.IO.In = strings.NewReader(exported)
	w.Want(cmdutil.ExitOK, "lesson", "import", "--all", "-")
	w.WantErr("shopctl lesson reset --undo")
	w.F.IO.In = strings.NewReader("{}")
	w.Want(cmdutil.ExitUsage, "lesson", "import", "-")
	w.WantErr("import progress: - is not a progress file", "shopctl: hint:")
	w.F.IO.In = strings.NewReader(`{"version": 99}`)
	w.Want(cmdutil.ExitUsage, "lesson", "import", "-")
	w.WantErr("has version 99", "use the version of shopctl that wrote it")
	w.Want(cmdutil.ExitUsage, "lesson", "import", file+".none")
	w.WantErr("no such file")
}

func TestWrongLessonCommandsGetASuggestion(t *testing.T) {
	w := clitest.NewWorld(t)
	for hint, args := range map[string][]string{
		"did you mean grpc?":                   {"lesson", "grcp"},
		"did you mean deadline?":               {"lesson", "grpc", "--step", "deadlin"},
		"one lesson at a time":                 {"lesson", "grpc", "grpc"},
		"no such directory":                    {"lesson", "lint", "./nowhere"},
		`unknown lesson "nowhere"`:             {"lesson", "test", "nowhere"},
		"--parallel 9: want 1 to 8":            {"lesson", "test", "--parallel", "9"},
		"--step and --from cannot be combined": {"lesson", "grpc", "--step", "newer", "--solve-to", "newer"},
	} {
		w.Want(cmdutil.ExitUsage, args...)
		w.WantErr(hint)
	}
	w.Want(cmdutil.ExitNotRunning, "lesson", "grpc")
	w.WantErr("shopctl up")
}

func TestLintReportsFileLineAndCode(t *testing.T) {
	w := clitest.NewWorld(t)
	dir := t.TempDir()
	write := func(text string) {
		if err := os.MkdirAll(filepath.Join(dir, "t", "x"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "t", "x", "lesson.md"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.Want(cmdutil.ExitUsage, "lesson", "lint", dir)
	write(strings.Replace(lessontest.Text, "minutes: 5", "minuts: 5", 1))
	w.Want(cmdutil.ExitFailed, "lesson", "lint", dir)
	if got := w.Out.String(); got != dir+"/t/x/lesson.md:5:1: unknown key \"minuts\"; did you mean \"minutes\"? (syntax)\n" {
		t.Errorf("lint: %s", got)
	}
	write(strings.Replace(lessontest.Text, "minutes: 5", "minutes: 50", 1))
	w.Want(cmdutil.ExitFailed, "lesson", "lint", dir, "-o", "json")
	var view lessoncmd.ProblemsView
	if err := json.Unmarshal(w.Out.Bytes(), &view); err != nil {
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
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: clitest.Healthy()})
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.Env["SHOPCTL_STATE_DIR"] = file
	w.Want(cmdutil.ExitEnvironment, "lesson", "grpc", "--no-tui")
	w.WantErr("shopctl: error: ", "not a directory", "shopctl: hint: make "+file, "SHOPCTL_STATE_DIR")
}

func TestALessonAsEventsIsOneObjectALine(t *testing.T) {
	w := clitest.NewWorld(t)
	s, shop := openSample(t)
	w.F.IO.In = strings.NewReader("predict empty guess\njump\n\nrun\nobserve 69\nexpect logged pass\nanswer code 5\nnext\nshopctl fault inject catalog --delay 2s\nexpect timed-out pass\n")
	if err := lessoncmd.LessonEvents(t.Context(), w.F.IO, s); err != nil {
		t.Fatal(err)
	}
	if err := (&lessoncmd.LessonOptions{F: w.F, Again: "lesson sample"}).Leave(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	var failed []string
	last := lessoncmd.LessonEvent{}
	for line := range strings.Lines(w.Out.String()) {
		var e lessoncmd.LessonEvent
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
		f := &cmdutil.Factory{Getenv: func(key string) string { return env[key] }}
		if got := lessoncmd.Language(f, ""); got != want {
			t.Errorf("%v: %s, want %s", env, got, want)
		}
		if got := lessoncmd.Language(f, "fr"); got != "fr" {
			t.Errorf("%v with --lang fr: %s", env, got)
		}
	}
}

func TestANewLessonOfTheLearnersCanBeStarted(t *testing.T) {
	w := clitest.NewWorld(t)
	dir := t.TempDir()
	w.Want(cmdutil.ExitOK, "lesson", "new", "--dir", dir, "communication/caching")
	place := filepath.Join(dir, "communication", "caching")
	if !strings.HasPrefix(w.Out.String(), filepath.Join(place, "lesson.md")+"\n") {
		t.Errorf("written: %s", w.Out.String())
	}
	w.WantErr("shopctl lesson lint "+place, "shopctl lesson test "+place)
	w.Want(cmdutil.ExitUsage, "lesson", "new", "--dir", dir, "communication/caching")
	w.WantErr("it exists already", "choose another name")
	w.Want(cmdutil.ExitUsage, "lesson", "new", "caching")
	w.WantErr("shopctl lesson new communication/caching")
	w.Want(cmdutil.ExitFailed, "lesson", "lint", place)
	if out := w.Out.String(); strings.Count(out, "(fill-in)") != strings.Count(out, "\n") || !strings.HasPrefix(out, place+"/lesson.md:3:1: ") {
		t.Errorf("lint: %s", out)
	}
	w.Want(cmdutil.ExitUsage, "lesson", "play", place, "--from", "frist")
	w.WantErr("did you mean first?")
	w.Want(cmdutil.ExitNotRunning, "lesson", "play", place)
	w.WantErr("lesson.md:3:1: ", "shopctl up")
	w.Want(cmdutil.ExitNotRunning, "lesson", place)
	w.Want(cmdutil.ExitUsage, "lesson", "play", filepath.Join(dir, "none"))
	w.WantErr("no such directory")
	w.Want(cmdutil.ExitOK, "lesson", "new", "--dir", dir, "communication/other")
	w.Want(cmdutil.ExitUsage, "lesson", dir)
	w.WantErr("there are 2 lessons in "+dir, "shopctl lesson "+place)
	w.Want(cmdutil.ExitUsage, "lesson", t.TempDir())
	w.WantErr("there is no lesson.md in ")
}

func TestTheSchemaIsJSON(t *testing.T) {
	w := clitest.NewWorld(t)
	for _, args := range [][]string{{"lesson", "schema"}, {"lesson", "schema", "check"}} {
		w.Want(cmdutil.ExitOK, args...)
		var schema map[string]any
		if err := json.Unmarshal(w.Out.Bytes(), &schema); err != nil || schema["$defs"] == nil {
			t.Errorf("%v: %v", args, err)
		}
	}
	w.Want(cmdutil.ExitUsage, "lesson", "schema", "chek")
	w.WantErr(`did you mean "check"?`, "shopctl lesson schema check")
}

func TestALessonFromElsewhereIsNotTrustedUnlessTheUserConfirms(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: clitest.Healthy()})
	dir := t.TempDir()
	w.Want(cmdutil.ExitOK, "lesson", "new", "--dir", dir, "communication/caching")
	place := filepath.Join(dir, "communication", "caching")
	if err := os.WriteFile(filepath.Join(place, "x.yaml"), []byte("command: [ls]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"lesson", place, "--no-tui"}, {"lesson", "play", place}} {
		w.Want(cmdutil.ExitUsage, args...)
		w.WantErr("x.yaml:1:1: apiVersion is missing", "shopctl lesson play --trust DIR")
	}
}

func TestTheGuardActsOnlyWhenTheLessonVanishes(t *testing.T) {
	w := clitest.NewWorld(t)
	w.F.IO.In = strings.NewReader("done")
	w.Want(cmdutil.ExitOK, "lesson", "guard")
	w.F.IO.In = strings.NewReader("")
	w.Want(cmdutil.ExitNotRunning, "lesson", "guard")
	w.Serve(&clitest.FakeShop{Current: clitest.Healthy()})
	w.F.IO.In = strings.NewReader("")
	w.Want(cmdutil.ExitOK, "lesson", "guard")
}

func curriculum(t *testing.T) []string {
	t.Helper()
	order, err := lesson.Curriculum(lessons.FS)
	if err != nil {
		t.Fatal(err)
	}
	return order
}
