package format

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// broken is the sample with one thing wrong, and where lint must find it.
type broken struct {
	name     string
	old, new string
	code     string
	// at is a text in the broken lesson: the problem stands in its line, at its first character, or at
	// column 1 for a problem of a whole line or block.
	at         string
	wholeLines bool
}

func brokenLessons() []broken {
	words := strings.Repeat("word ", 119)
	return []broken{
		{"a run that nobody predicted", "```yaml predict\n", "```yaml\n", "no-prediction", "```sh run", true},
		{"a run that nobody observes", "```yaml observe\n", "```yaml\n", "no-observation", "```sh run", true},
		{"an option without a reply", "    # the reply says what it would mean\n    reply: Not this\n", "", "option-without-reply", "id: empty", false},
		{"no rollback", "rollback: [faults]\n", "", "no-rollback", "id: sample", true},
		{"no steady state", "steady_state:\n  - id: up\n    title: the catalog is up\n    instance: {service: catalog, state: ok}\n", "", "no-steady-state", "id: sample", true},
		{"a literal port", "Ask for it.", "Open http://localhost:8080/ and ask for it.", "literal-port", "Open http", true},
		{"too many words", "Make it slow.", "Make it slow. " + words, "too-many-words", "Make it slow.", true},
		{"a ladder with a rung missing", "principle: Exit codes of call are 64 and the code.\n", "", "no-hints", "```yaml check\n- id: code\n  title: You", true},
		{"a word that belittles", "A status says", "A status simply says", "belittling", "simply", false},
		{"a service that is not there to call", "shopctl call catalog", "shopctl call katalog", "unknown-service", "shopctl call katalog", true},
		{"a service that does not exist", "    service: catalog\n    method", "    service: catalogue\n    method", "unknown-service", "service: catalogue", false},
	}
}

func TestBrokenLessonsAreFoundAtTheirPlaces(t *testing.T) {
	for _, c := range brokenLessons() {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(sample(t), c.old, c.new, 1)
			if text == sample(t) {
				t.Fatalf("%q is not in the sample", c.old)
			}
			l, err := Parse("lesson.md", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			line, column := placeOf(t, text, c.at)
			if c.wholeLines {
				column = 1
			}
			want := fmt.Sprintf("lesson.md:%d:%d: ", line, column)
			for _, p := range Lint(l, []string{"catalog"}) {
				if p.Code == c.code && strings.HasPrefix(p.String(), want) {
					return
				}
			}
			t.Errorf("no %s at %s in\n%s", c.code, want, Lint(l, []string{"catalog"}))
		})
	}
}

// placeOf is the line and column of a text that stands once in another.
func placeOf(t *testing.T, text, part string) (line, column int) {
	t.Helper()
	if strings.Count(text, part) != 1 {
		t.Fatalf("%q stands %d times in the text", part, strings.Count(text, part))
	}
	before, _, _ := strings.Cut(text, part)
	return strings.Count(before, "\n") + 1, len(before) - strings.LastIndexByte(before, '\n')
}

func TestAStaleTranslationIsFoundAtItsHeading(t *testing.T) {
	l, err := Parse("lesson.md", []byte(sample(t)))
	if err != nil {
		t.Fatal(err)
	}
	text := "---\ntitle: x\n---\n\n## A {#missing source=s00000000}\n\n1\n\n## B {#slow source=" + l.Steps[1].hash() + "}\n\n1\n"
	tr, err := parseTranslation("lesson.ja.md", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	l.Translations = map[string]*Translation{"ja": tr}
	var found []string
	for _, p := range Lint(l, []string{"catalog"}) {
		if p.Code == "stale-translation" {
			found = append(found, p.String())
		}
	}
	want := fmt.Sprintf(`lesson.ja.md:5:1: step "missing" was translated from "s00000000" and is %s now (stale-translation)`, l.Steps[0].hash())
	if len(found) != 1 || found[0] != want {
		t.Errorf("found %q\nwant  %s", found, want)
	}
}

func TestWhatTheAuthorHasToFillInIsFound(t *testing.T) {
	text := strings.Replace(sample(t), "Ask for it.", "FILL IN: what to do", 1)
	l, err := Parse("lesson.md", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range Lint(l, []string{"catalog"}) {
		if p.Code == "fill-in" && p.Line == lineOf(t, text, "FILL IN") {
			return
		}
	}
	t.Error("not found")
}

func TestALessonMaySpeakOfServicesThatItsFilesBringAlong(t *testing.T) {
	text := strings.Replace(sample(t), "    service: catalog\n    method", "    service: wishlist\n    method", 1)
	l, err := Parse("lesson.md", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	unknown := func() bool {
		return slices.ContainsFunc(Lint(l, []string{"catalog"}), func(p Problem) bool { return p.Code == "unknown-service" })
	}
	if !unknown() {
		t.Fatal("the service is known already")
	}
	l.Files = map[string][]byte{
		"own.yaml":    []byte("kind: Service\nmetadata: {name: other}\n---\nkind: Deployment\nmetadata: {name: wishlist}\n"),
		"broken.yaml": []byte("kind: [Deployment\n"),
	}
	if unknown() {
		t.Error("the service of the lesson's own file is unknown")
	}
}

func TestALessonMaySpeakOfTheBusThatItStarts(t *testing.T) {
	for starts, want := range map[string]bool{"shopctl bus start --wait\n": false, "": true} {
		text := strings.Replace(sample(t), "shopctl call catalog", starts+"shopctl logs nats\nshopctl call catalog", 1)
		l, err := Parse("lesson.md", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.ContainsFunc(Lint(l, []string{"catalog"}), func(p Problem) bool { return p.Code == "unknown-service" }); got != want {
			t.Errorf("after %q, nats is unknown: %t, want %t", starts, got, want)
		}
	}
}
