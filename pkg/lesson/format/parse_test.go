package format

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/lesson/probe"
)

func sample(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("testdata/sample.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestALessonIsReadIntoStepsAndBlocks(t *testing.T) {
	l, err := Parse("lesson.md", []byte(sample(t)))
	if err != nil {
		t.Fatal(err)
	}
	if l.ID != "sample" || l.Minutes != 5 || len(l.SteadyState) != 1 {
		t.Errorf("front matter: %+v", l.Front)
	}
	var shape []string
	for _, s := range l.Steps {
		kinds := []string{s.ID}
		for _, b := range s.Blocks {
			kinds = append(kinds, string(b.Kind))
		}
		shape = append(shape, strings.Join(kinds, " "))
	}
	want := []string{"missing prose predict prose run observe prose check hints recall", "slow prose check"}
	if diff := cmp.Diff(want, shape); diff != "" {
		t.Error(diff)
	}
	step := l.Steps[0]
	if step.Title != "An unknown id" || step.Blocks[0].Markdown != "What does the catalog say?\n\n```sh\nno role here\n```" {
		t.Errorf("prose: %q %q", step.Title, step.Blocks[0].Markdown)
	}
	if got := step.Block(RunKind).Run.Lines[0].Args; !cmp.Equal(got, []string{"call", "catalog", "GetProduct", `{"id":"NOPE"}`}) {
		t.Errorf("run: %q", got)
	}
	checks := l.Steps[1].Checks()
	rpc, ok := checks[1].Probe.(*probe.RPC)
	if !ok || rpc.Expect.Code.Code != codes.DeadlineExceeded || rpc.Deadline != 500*time.Millisecond || string(rpc.Request) != `{"id":"X","tags":["a",1,true,null]}` {
		t.Errorf("rpc: %+v %s", rpc, rpc.Request)
	}
	if diff := cmp.Diff([]Need{{Check: "seen"}}, checks[1].Needs); diff != "" {
		t.Error(diff)
	}
	if got, line := step.Checks()[0].At.Line, lineOf(t, sample(t), "id: code"); got != line {
		t.Errorf("a check's position is line %d, want %d", got, line)
	}
}

func lineOf(t *testing.T, text, part string) int {
	t.Helper()
	before, _, ok := strings.Cut(text, part)
	if !ok {
		t.Fatalf("%q is not in the text", part)
	}
	return strings.Count(before, "\n") + 1
}

func TestMistakesAreReportedWithFileLineAndColumn(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"unknown key in the front matter": {"minutes: 5", "minuts: 5", `l.md:5:1: unknown key "minuts"; did you mean "minutes"? (syntax)`},
		"unknown key in a block":          {"    reply: Not this", "    replay: Not this", `l.md:27:5: unknown key "replay"; did you mean "reply"? (syntax)`},
		"unknown role":                    {"```yaml predict", "```yaml pedict", "l.md:21:9: unknown role \"pedict\"; did you mean \"predict\"? (role)"},
		"wrong language":                  {"```sh run", "```bash run", "l.md:35:4: a run block is written in sh, not bash (role)"},
		"another command":                 {"shopctl call catalog", "curl call catalog", `l.md:36:1: run "curl": only shopctl commands can be run (command)`},
		"unknown code":                    {"code: DEADLINE_EXCEEDED", "code: DEADLINE_EXCEDED", `unknown code "DEADLINE_EXCEDED"; did you mean "DEADLINE_EXCEEDED"? (syntax)`},
		"no step id":                      {"## Slow {#slow}", "## Slow", `step "Slow" has no id: ## Slow {#step-id} (step-id)`},
		"step id twice":                   {"{#slow}", "{#missing}", `step id "missing" is used twice (id)`},
		"unknown need":                    {"needs: [seen]", "needs: [sene]", `check "fast" needs "sene", which does not come before it in the step; did you mean "seen"? (needs)`},
		"two correct options":             {"    reply: Not this", "    correct: true", `2 options are correct, want one (no-correct-option)`},
		"no front matter":                 {"---\nid: sample", "id: sample", "l.md:1:1: the file begins with front matter between two lines of three dashes (front-matter)"},
		"bad pattern":                     {`matches: "^no"`, `matches: "("`, "missing closing ): `(` (syntax)"},
		"unknown rollback":                {"rollback: [faults]", "rollback: [fautls]", `unknown rollback "fautls"; did you mean "faults"? (rollback)`},
		"block in a list":                 {"What does the catalog say?", "* a\n\n  ```sh run\n  shopctl ps\n  ```", "a run block cannot be inside a list or quotation (role)"},
		"unclosed fence":                  {"      say: The catalog is stopped.\n```", "      say: The catalog is stopped.", "this fence is not closed (fence)"},
		"bad path":                        {"path: id", "path: id..x", `path "id..x": write names with dots`},
		"no kind":                         {"      kind: number", "      kind: nummer", `unknown kind "nummer"; did you mean "number"? (answer)`},
		"empty block":                     {"```sh run\n" + `shopctl call catalog GetProduct '{"id":"NOPE"}'`, "```sh run\n# nothing", "the run block has no command (command)"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(sample(t), c.old, c.new, 1)
			if text == sample(t) {
				t.Fatalf("%q is not in the sample", c.old)
			}
			_, err := Parse("l.md", []byte(text))
			var ps Problems
			if !errors.As(err, &ps) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestLintFindsWhatMakesALessonWorse(t *testing.T) {
	text := sample(t)
	text = strings.Replace(text, "    reply: Not this\n", "", 1)
	text = strings.Replace(text, "minutes: 5", "minutes: 50", 1)
	text = strings.Replace(text, "rollback: [faults]\n", "", 1)
	text = strings.Replace(text, "What does the catalog say?", "You simply call localhost:7003. "+strings.Repeat("word ", 120), 1)
	text = strings.Replace(text, "service: catalog", "service: catalogue", 1)
	l, err := Parse("l.md", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, p := range Lint(l, []string{"catalog", "payment"}) {
		found[p.Code]++
	}
	want := map[string]int{
		"option-without-reply": 1, "minutes": 1, "no-rollback": 1, "literal-port": 1, "belittling": 1,
		"too-many-words": 1, "unknown-service": 1, "no-hints": 1, "no-solution": 1, "no-wrong": 1,
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
}

func TestADirectoryIsLoadedWithFilesScriptsAndTranslations(t *testing.T) {
	l, err := Parse("lesson.md", []byte(sample(t)))
	if err != nil {
		t.Fatal(err)
	}
	ja := "---\ntitle: 見本\n---\n\n## 知らない品 {#missing source=" + l.Steps[0].hash() + "}\n\n一\n\n---\n\n二\n\n---\n\n三\n"
	fsys := fstest.MapFS{
		"t/sample/lesson.md":                {Data: []byte(sample(t))},
		"t/sample/lesson.ja.md":             {Data: []byte(ja)},
		"t/sample/newer.proto":              {Data: []byte("syntax = \"proto3\";")},
		"t/sample/testdata/solution.txtar":  {Data: []byte("step missing\n")},
		"t/sample/testdata/wrong-one.txtar": {Data: []byte("step missing\n")},
		"t/broken/lesson.md":                {Data: []byte("---\nid: x\n---\n")},
	}
	lessons, err := Load(fsys)
	if err == nil || !strings.Contains(err.Error(), "t/broken/lesson.md:") {
		t.Errorf("a broken lesson beside a sound one: %v", err)
	}
	if len(lessons) != 1 {
		t.Fatalf("%d lessons", len(lessons))
	}
	got := lessons[0]
	if len(got.Files) != 1 || len(got.Scripts) != 2 || got.Hash == "" {
		t.Errorf("files %d, scripts %d, hash %q", len(got.Files), len(got.Scripts), got.Hash)
	}
	in := got.In("ja")
	if in.Title != "見本" || in.Steps[0].Title != "知らない品" || in.Steps[0].Blocks[2].Markdown != "二" || in.Steps[0].Block(RunKind) == nil {
		t.Errorf("translated: %q %+v", in.Title, in.Steps[0])
	}
	if got.Steps[0].Title != "An unknown id" {
		t.Error("translating changed the original")
	}
	var stale []string
	for _, p := range Lint(got, []string{"catalog"}) {
		if p.Code == "stale-translation" {
			stale = append(stale, p.Text)
		}
	}
	if len(stale) != 1 || !strings.Contains(stale[0], `step "slow" is not translated`) {
		t.Errorf("stale: %q", stale)
	}
}

func TestTheOldNameOfABrokenSetupIsStillRead(t *testing.T) {
	text := strings.Replace(sample(t), "broken_setup:", "spoiled_when:", 1)
	if text == sample(t) {
		t.Fatal("the sample has no broken_setup")
	}
	l, err := Parse("lesson.md", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	checks := l.Steps[1].Checks()
	if w := checks[len(checks)-1].BrokenSetup; len(w) != 1 || w[0].Probe == nil {
		t.Errorf("%+v", w)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample(f)))
	f.Add([]byte("---\nid: x\n---\n## A {#a}\n```yaml check\n- id: x\n```\n"))
	f.Add([]byte("---\n---\n## {#a}\n> ```sh run\n> shopctl ps\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		l, err := Parse("l.md", src)
		var ps Problems
		switch {
		case err == nil:
			Lint(l, []string{"catalog"})
		case !errors.As(err, &ps):
			t.Errorf("an error without a place: %v", err)
		default:
			lines := strings.Count(string(src), "\n") + 1
			for _, p := range ps {
				if p.Line < 1 || p.Line > lines+1 || p.Column < 1 {
					t.Errorf("%s is outside of the file's %d lines", p, lines)
				}
			}
		}
		_, _ = parseTranslation("l.ja.md", src)
	})
}
