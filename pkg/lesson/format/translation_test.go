package format

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// translatedSample is the sample in Japanese, whole.
func translatedSample(l *Lesson) string {
	return `---
title: 見本
summary: 知らない品への答え
steady_state:
  - {id: up, title: catalog が動いている}
---

## 知らない品 {#missing source=` + l.Steps[0].hash() + `}

一

` + "```yaml predict" + `
question: 何が返りますか
options:
  - {id: not-found, say: 見つからない, reply: 自分のコードをもつエラーです}
  - {id: empty, say: 空の品, reply: 違います}
` + "```" + `

二

---
` + "```yaml observe" + `
question: 終了コードは
` + "```" + `

三

` + "```yaml check" + `
- id: code
  title: 番号を知っている
  answer: {question: 何番ですか, wrong: [{say: それは終了コードです}]}
` + "```" + `
` + "```yaml hints" + `
{look: 終了コードを, principle: 六十四, worked: 引く}
` + "```" + `
` + "```yaml recall" + `
- {id: code, ask: コードは, answer: ないということ, accept: [見つからない]}
` + "```" + `

## 遅い {#slow source=` + l.Steps[1].hash() + `}

四

` + "```yaml check" + `
- {id: seen, title: 書いた}
- {id: fast, title: 時間切れ, hint_when: [{say: ない}], spoiled_when: [{say: 止まっている}]}
` + "```" + `
`
}

func withTranslation(t *testing.T, edit func(string) string) *Lesson {
	t.Helper()
	l, err := Parse("lesson.md", []byte(sample(t)))
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{
		"lesson.md":    {Data: []byte(sample(t))},
		"lesson.ja.md": {Data: []byte(edit(translatedSample(l)))},
	}
	l, err = loadLesson(fsys, ".")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestEveryWordOfALessonIsTranslated(t *testing.T) {
	l := withTranslation(t, func(s string) string { return s })
	if found := lintTranslation(l, l.Translations["ja"]); len(found) > 0 {
		t.Errorf("lint: %v", found)
	}
	in := l.In("ja")
	var texts []string
	collect := func(w *words) {
		for _, word := range w.texts {
			texts = append(texts, *word.text)
		}
	}
	collect(wordsInFront(&in.Front))
	for _, s := range in.Steps {
		texts = append(texts, s.Title)
		for i := range s.Blocks {
			texts = append(texts, s.Blocks[i].Markdown)
			collect(wordsIn(&s.Blocks[i]))
		}
	}
	for _, text := range texts {
		if strings.ContainsAny(text, "abdefghijkmqrsuvwxyz") && !strings.Contains(text, "catalog") {
			t.Errorf("still in English: %q", text)
		}
	}
	missing := in.Steps[0]
	if got := missing.Block(PredictKind).Predict; got.Options[0].ID != "empty" || got.Options[0].Say != "空の品" || !got.Options[1].Correct {
		t.Errorf("options are not known by their id: %+v", got.Options)
	}
	if diff := cmp.Diff([]string{"NOT_FOUND", "見つからない"}, missing.Block(RecallKind).Recall[0].Accept); diff != "" {
		t.Errorf("accepted answers: %s", diff)
	}
	if got := missing.Block(RunKind).Run.Text; !strings.HasPrefix(got, "shopctl call") {
		t.Errorf("run: %q", got)
	}
	if got := l.Steps[0].Block(PredictKind).Predict.Question; !strings.HasPrefix(got, "What") || l.SteadyState[0].Title != "the catalog is up" {
		t.Errorf("translating changed the original: %q, %q", got, l.SteadyState[0].Title)
	}
}

func TestMissingAndAddedPartsOfATranslationAreReportedAtTheirPlace(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"a word is missing":    {", reply: 違います}", "}", `lesson.ja.md:12:1: the predict block lacks options.empty.reply (untranslated)`},
		"a block is missing":   {"```yaml hints\n{look: 終了コードを, principle: 六十四, worked: 引く}\n```\n", "", `lesson.ja.md:8:1: step "missing": the hints block is not translated (untranslated)`},
		"a text is invented":   {"{id: seen, title: 書いた}", "{id: seen, titel: 書いた}", `the check block has no text at seen.titel; did you mean "seen.title"? (translation)`},
		"front matter":         {"summary: 知らない品への答え\n", "", `lesson.ja.md:1:1: the front matter lacks summary (untranslated)`},
		"a block too many":     {"四\n", "四\n\n```yaml recall\n- {id: a, ask: b}\n```\n", `step "slow" has no recall block (translation)`},
		"the original changed": {"source=s", "source=t", "was translated from"},
	} {
		t.Run(name, func(t *testing.T) {
			l := withTranslation(t, func(s string) string {
				edited := strings.Replace(s, c.old, c.new, 1)
				if edited == s {
					t.Fatalf("%q is not in the translation", c.old)
				}
				return edited
			})
			if found := lintTranslation(l, l.Translations["ja"]); !strings.Contains(found.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", found, c.want)
			}
		})
	}
}

func TestATranslationThatCannotBeReadIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ block, want string }{
		"commands":      {"```sh run\nshopctl ps\n```", "l.ja.md:7:1: commands are not translated: write --- in place of the run block (translation)"},
		"unknown role":  {"```yaml hint\nlook: a\n```", `l.ja.md:7:9: unknown role "hint"; did you mean "hints"? (role)`},
		"a second time": {"```yaml hints\nlook: a\n```\n```yaml hints\nlook: a\n```", `l.ja.md:10:1: step "a" has a second hints block (role)`},
		"an alias":      {"```yaml hints\nlook: &x a\nwhy: *x\n```", "l.ja.md:9:6: anchors and aliases are not supported (syntax)"},
		"twice":         {"```yaml check\n- {id: a, title: b}\n- {id: a, title: c}\n```", "l.ja.md:9:18: a.title is given twice (syntax)"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseTranslation("l.ja.md", []byte("---\ntitle: x\n---\n\n## A {#a source=s1}\n\n"+c.block+"\n"))
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestAUnitMayBeTranslatedAndNeedNotBe(t *testing.T) {
	l, err := Parse("lesson.md", []byte(strings.Replace(sample(t), "value: 69", "value: 69\nunit: bytes", 1)))
	if err != nil {
		t.Fatal(err)
	}
	for given, want := range map[string]string{"question: x\nunit: バイト": "バイト", "question: x": "bytes"} {
		tr, err := flatten(given)
		if err != nil {
			t.Fatal(err)
		}
		b := l.Steps[0].Block(ObserveKind).clone()
		if missing, unknown := tr.into(wordsIn(&b)); len(missing)+len(unknown) > 0 || b.Observe.Unit != want {
			t.Errorf("%q: unit %q, missing %q, unknown %v", given, b.Observe.Unit, missing, unknown)
		}
	}
}
