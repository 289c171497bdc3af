package lesson_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/lessontest"
)

func TestALessonFromElsewhereBringsNoPrograms(t *testing.T) {
	const head = "kind: Deployment\nspec: {template: {spec: {containers: [{image: catalog}]}}}\n"
	for name, c := range map[string]struct{ file, text, want string }{
		"a command":                {"x.yaml", head + "# or:\n  - command: [sh, -c, ls]\n", "sample/x.yaml:4:1: it names a program"},
		"a probe that executes":    {"x.json", `{"livenessProbe": {"exec": {"command": ["ls"]}}}`, "sample/x.json:1:1: it names a program"},
		"a key that is disguised":  {"x.yaml", "a: 1\n\"\\x63ommand\": [ls]\n", "sample/x.yaml:2:1: it names a program"},
		"a key by an alias":        {"x.yaml", "a: &k \"comm\\x61nd\"\n*k : [ls]\n", "sample/x.yaml:2:1: it names a program"},
		"a file that is broken":    {"x.yaml", "a: [\ncommand: [ls]\n", "sample/x.yaml:2:1: it names a program"},
		"a loader's variable":      {"x.yaml", "env:\n- {name: LD_PRELOAD, value: ./x.so}\n", "sample/x.yaml:2:1: LD_PRELOAD makes programs load code"},
		"a file in a script":       {"testdata/wrong-one.txtar", "step missing\nwrite x.yaml\n-- x.yaml --\ncommand: [ls]\n", "wrong-one.txtar/x.yaml:1:1: it names"},
		"a variable in a script":   {"testdata/wrong-one.txtar", "step missing\nshopctl set env redis-cart LD_PRELOAD=x\n", "wrong-one.txtar:2:1: LD_PRELOAD"},
		"an object without danger": {"x.yaml", head, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.l = lessontest.Lesson(t, map[string]string{c.file: c.text})
				s, err := lesson.Open(t.Context(), w.l, w.deps)
				if err == nil {
					w.close(s)
				}
				var foreign *lesson.UntrustedError
				if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &foreign) || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("got %v, want %s", err, c.want)
				}
				w.l.Trusted = true
				s, err = lesson.Open(t.Context(), w.l, w.deps)
				if err != nil {
					t.Fatalf("one of our own: %v", err)
				}
				w.close(s)
			})
		})
	}
}

func TestScriptsRunOnlyWhatALessonMay(t *testing.T) {
	for script, want := range map[string]string{
		"shopctl up":                     "run shopctl up: a lesson cannot run this verb",
		"shopctl --name x down":          "in a lesson, flags follow the verb",
		"! shopctl export grafana":       "run shopctl export: a lesson cannot run this verb",
		"shopctl lesson test ./elsehere": "run shopctl lesson: a lesson cannot run this verb",
	} {
		if _, err := lesson.ParseScript("s.txtar", []byte(script)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", script, err)
		}
	}
}
