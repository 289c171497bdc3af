package lesson_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/lessontest"
)

// manifest is a Deployment whose container has further fields, in JSON that is YAML as well.
func manifest(fields string) string {
	return fmt.Sprintf(`{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"app": "d"}}, `+
		`"template": {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": [{"name": "server", "image": "catalog", %s}]}}}}`, fields)
}

// inUTF16 is a text as some editors write it.
func inUTF16(text string, order binary.AppendByteOrder) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		out = order.AppendUint16(out, unit)
	}
	return string(out)
}

func TestALessonFromElsewhereBringsNoPrograms(t *testing.T) {
	const command = `containers[0].command: a lesson by another author cannot choose what runs`
	const harmless = `"ports": [{"containerPort": 80}]`
	pair := strings.Replace(manifest(`"\u0063ommand": ["ls"]`), `"name": "d"}`, `"name": "d", "annotations": {"x": "\ud83d\ude00"}}`, 1)
	for name, c := range map[string]struct{ file, text, want string }{
		"a command":                     {"x.yaml", manifest(`"command": ["ls"]`), command},
		"in the second document":        {"x.yaml", manifest(harmless) + "\n---\n" + manifest(`"command": ["ls"]`), command},
		"in a list":                     {"x.yaml", `{"apiVersion": "v1", "kind": "List", "items": [` + manifest(`"command": ["ls"]`) + `]}`, command},
		"a probe that executes":         {"x.json", manifest(`"livenessProbe": {"exec": {"command": ["ls"]}}`), "livenessProbe.exec"},
		"an escaped key":                {"x.json", manifest(`"\u0063ommand": ["ls"]`), command},
		"beside a pair of surrogates":   {"x.json", pair, command},
		"beside a line separator":       {"x.json", strings.Replace(pair, `\ud83d\ude00`, "\u2028", 1), command},
		"beside a control character":    {"x.json", strings.Replace(pair, `\ud83d\ude00`, "\u0085\u009f", 1), command},
		"with a byte order mark":        {"x.yaml", "\ufeff" + manifest(`"command": ["ls"]`), command},
		"in UTF-16":                     {"x.yaml", inUTF16(manifest(`"command": ["ls"]`), binary.LittleEndian), command},
		"in UTF-16, the other way":      {"x.json", inUTF16(manifest(`"command": ["ls"]`), binary.BigEndian), command},
		"with a tag":                    {"x.yaml", manifest(`!!str command: ["ls"]`), "x.yaml:1:"},
		"by a merge key":                {"x.yaml", manifest(`<<: {command: ["ls"]}`), command},
		"by an alias":                   {"x.yaml", manifest(`"livenessProbe": {"exec": &e {"command": ["ls"]}}, "lifecycle": {"preStop": {"exec": *e}}`), "livenessProbe.exec"},
		"by an alias of a key":          {"x.yaml", manifest(`"env": [{"name": &k "command"}], *k : ["ls"]`), command},
		"in a file of another kind":     {"notes.txt", manifest(`"command": ["ls"]`), command},
		"in a program's file":           {"x.go", manifest(`"command": ["ls"]`), command},
		"a file that is broken":         {"x.yaml", "a: [\ncommand: [ls]\n", "sample/x.yaml:1:1: not valid YAML"},
		"a file that is no manifest":    {"x.json", `{"command": ["ls"]}`, "apiVersion is missing"},
		"a loader's variable":           {"x.yaml", manifest(`"env": [{"name": "LD_PRELOAD", "value": "./x.so"}]`), "variable LD_PRELOAD"},
		"a program of the user's":       {"x.yaml", strings.Replace(manifest(harmless), `"catalog"`, `"node"`, 1), `"node" is not a built-in service`},
		"a file in a script":            {"testdata/wrong-one.txtar", "step missing\nwrite x.yaml\n-- x.yaml --\n" + manifest(`"command": ["ls"]`), "wrong-one.txtar/x.yaml:1:"},
		"a variable in a script":        {"testdata/wrong-one.txtar", "step missing\nshopctl set env redis-cart LD_PRELOAD=x\n", "wrong-one.txtar:2:1: variable LD_PRELOAD"},
		"a script that cannot be read":  {"testdata/wrong-one.txtar", "step missing\nbegone\n", "wrong-one.txtar:2:1: unknown action"},
		"a command that is not for it":  {"testdata/wrong-one.txtar", "step missing\nshopctl review\n", "a lesson by another author cannot run this verb"},
		"the guard of processes":        {"testdata/wrong-one.txtar", "step missing\nshopctl guard -- sh -c id\n", "a lesson by another author cannot run this verb"},
		"a completion":                  {"testdata/wrong-one.txtar", "step missing\nshopctl __complete apply -f ''\n", "a lesson by another author cannot run this verb"},
		"an object without danger":      {"x.yaml", manifest(harmless), ""},
		"a program that only looks so":  {"x.go", "package x // command: [ls]\n", ""},
		"a variable that is documented": {"testdata/wrong-one.txtar", "step missing\nshopctl set env catalog EXTRA_LATENCY=1s --wait\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.l = lessontest.Lesson(t, map[string]string{c.file: c.text})
				w.deps.Builtin = func(image string) bool { return image == "catalog" }
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

func TestWhatALessonFromElsewherePipesIntoApplyComesFromTheShop(t *testing.T) {
	for run, want := range map[string]string{
		"shopctl get deployment cartservice -o yaml | shopctl apply -f -":     "",
		"shopctl scale ad --replicas 2 --dry-run -o yaml | shopctl diff -f -": "",
		"shopctl call ad GetAds | shopctl call catalog GetProduct -":          "",
		"shopctl call 203.0.113.1:80 K/Get | shopctl apply -f -":              "it reads only what get",
		"shopctl http /product/1 | shopctl apply -f -":                        "it reads only what get",
		"shopctl logs ad | shopctl delete -f -":                               "it reads only what get",
		"shopctl scale ad --replicas 2 | shopctl apply -f -":                  "it reads only what get",
		"shopctl get pods | shopctl review":                                   "cannot run this verb",
	} {
		bubble(t, func(t *testing.T, w *world) {
			w.l = lessontest.Lesson(t, map[string]string{
				"lesson.md": strings.Replace(lessontest.Text, `shopctl call catalog GetProduct '{"id":"NOPE"}'`, run, 1),
			})
			s, err := lesson.Open(t.Context(), w.l, w.deps)
			if err == nil {
				w.close(s)
			}
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("%s: %v, want %q", run, err, want)
			}
		})
	}
}

func TestWhatTheLearnerTypesInALessonFromElsewhereIsLimited(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := w.open()
		defer w.close(s)
		var out strings.Builder
		for _, verb := range []string{"up", "guard", "service", "lesson", "export", "review", "__complete"} {
			if _, err := s.Typed(t.Context(), []string{verb}, &out); err == nil || !strings.Contains(err.Error(), "cannot run this verb") {
				t.Errorf("%s: %v", verb, err)
			}
		}
	})
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
