package format

import (
	"maps"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Translation is a lesson in another language, by step id.
type Translation struct {
	File  string
	Steps map[string]TranslatedStep
	front translated
}

// TranslatedStep holds the words of one step: its n-th piece of prose for the n-th prose block, and the
// words of other blocks by their kind.
type TranslatedStep struct {
	Title  string
	Source string // hash of the step that it was translated from
	Line   int
	Prose  []string
	blocks map[Kind]translatedBlock
}

type translatedBlock struct {
	line  int
	words translated
}

// parseTranslation reads a lesson.<lang>.md.
func parseTranslation(file string, src []byte) (*Translation, error) {
	r := &reporter{file: file}
	p := readPage(r, src)
	t := &Translation{File: file, Steps: map[string]TranslatedStep{}}
	front, err := flatten(padded(1, p.front))
	if err != nil {
		r.inFile(2, err)
	}
	t.front = front
	for _, s := range p.sections {
		if _, ok := t.Steps[s.id]; ok {
			r.add("id", s.line, 1, "step id %q is used twice", s.id)
		}
		t.Steps[s.id] = TranslatedStep{Title: s.title, Source: s.source, Line: s.line, Prose: p.pieces(s), blocks: r.translatedBlocks(s)}
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return t, nil
}

func (r *reporter) translatedBlocks(s section) map[Kind]translatedBlock {
	blocks := map[Kind]translatedBlock{}
	for _, f := range s.fences {
		kind := Kind(f.role)
		_, twice := blocks[kind]
		switch {
		case !isRole(f.role):
			r.add("role", f.open, len(f.language)+5, "unknown role %q%s", f.role, strictyaml.DidYouMean(f.role, roles()))
			continue
		case kind == RunKind:
			r.add("translation", f.open, 1, "commands are not translated: write --- in place of the run block")
			continue
		case twice:
			r.add("role", f.open, 1, "step %q has a second %s block", s.id, f.role)
			continue
		}
		words, err := flatten(padded(f.open, f.content))
		if err != nil {
			r.inFile(f.open+1, err)
			continue
		}
		blocks[kind] = translatedBlock{f.open, words}
	}
	return blocks
}

// pieces cuts a section's prose at its lines of three dashes and at its blocks.
func (p *page) pieces(s section) []string {
	var pieces []string
	first := s.line + 1
	cut := func(last, next int) {
		if text, _ := p.prose(first, last); text != "" {
			pieces = append(pieces, text)
		}
		first = next
	}
	fences := s.fences
	for line := first; line <= s.last; line++ {
		switch {
		case len(fences) > 0 && line == fences[0].open:
			cut(line-1, fences[0].close+1)
			line, fences = fences[0].close, fences[1:]
		case strings.TrimRight(p.lines[line-1], " ") == "---":
			cut(line-1, line+1)
		}
	}
	cut(s.last, s.last+1)
	return pieces
}

// In returns the lesson in another language; steps that have not been translated, or not since they
// changed, stay as they are.
func (l *Lesson) In(lang string) *Lesson {
	t := l.Translations[lang]
	if t == nil {
		return l
	}
	out := *l
	out.Language = lang
	out.SteadyState = cloneChecks(l.SteadyState)
	t.front.into(wordsInFront(&out.Front))
	out.Steps = slices.Clone(l.Steps)
	for i := range out.Steps {
		s := &out.Steps[i]
		if ts, ok := t.Steps[s.ID]; ok && ts.stale(s) == "" {
			ts.into(s)
		}
	}
	return &out
}

// stale is why a step cannot be shown in the translation; empty if it can.
func (t TranslatedStep) stale(s *Step) string {
	switch hash := s.hash(); {
	case t.Source != hash:
		return "was translated from " + quoted(t.Source) + " and is " + hash + " now"
	case len(t.Prose) != s.proseBlocks():
		return "has " + humanize.Count(len(t.Prose), "piece") + " of prose, the original has " + humanize.Count(s.proseBlocks(), "piece")
	}
	return ""
}

// into translates a step, block by block.
func (t TranslatedStep) into(s *Step) {
	s.Title, s.Blocks = t.Title, slices.Clone(s.Blocks)
	n := 0
	for j := range s.Blocks {
		b := &s.Blocks[j]
		if b.Kind == Prose {
			b.Markdown = t.Prose[n]
			n++
			continue
		}
		*b = b.clone()
		t.blocks[b.Kind].words.into(wordsIn(b))
	}
}

func (s *Step) proseBlocks() int {
	n := 0
	for _, b := range s.Blocks {
		if b.Kind == Prose {
			n++
		}
	}
	return n
}

func lintTranslation(l *Lesson, t *Translation) Problems {
	r := &reporter{file: t.File}
	front := l.Front
	front.SteadyState = cloneChecks(l.SteadyState)
	r.lintWords(t.front, wordsInFront(&front), 1, "the front matter")
	for i := range l.Steps {
		s := &l.Steps[i]
		ts, ok := t.Steps[s.ID]
		if !ok {
			r.add("stale-translation", 1, 1, "step %q is not translated; its source is %s", s.ID, s.hash())
		} else if why := ts.stale(s); why != "" {
			r.add("stale-translation", ts.Line, 1, "step %q %s", s.ID, why)
		} else {
			r.lintBlocks(s, ts)
		}
	}
	for _, id := range sortedKeys(t.Steps) {
		if l.Step(id) < 0 {
			r.add("stale-translation", t.Steps[id].Line, 1, "the original has no step %q", id)
		}
	}
	_ = r.err()
	return r.problems
}

// lintBlocks requires that every question, answer and hint of a translated step is translated.
func (r *reporter) lintBlocks(s *Step, ts TranslatedStep) {
	for i := range s.Blocks {
		b := s.Blocks[i].clone()
		w := wordsIn(&b)
		tb, ok := ts.blocks[b.Kind]
		switch {
		case ok:
			r.lintWords(tb.words, w, tb.line, "the "+string(b.Kind)+" block")
		case len(w.texts) > 0:
			r.add("untranslated", ts.Line, 1, "step %q: the %s block is not translated", s.ID, b.Kind)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(ts.blocks)) {
		if s.Block(kind) == nil {
			r.add("translation", ts.blocks[kind].line, 1, "step %q has no %s block", s.ID, kind)
		}
	}
}

func (r *reporter) lintWords(t translated, w *words, line int, what string) {
	missing, unknown := t.into(w)
	for _, path := range missing {
		r.add("untranslated", line, 1, "%s lacks %s", what, path)
	}
	for _, path := range sortedKeys(unknown) {
		at := unknown[path]
		r.add("translation", at.Line, at.Column, "%s has no text at %s%s", what, path, strictyaml.DidYouMean(path, w.paths()))
	}
}

func quoted(s string) string { return `"` + s + `"` }
