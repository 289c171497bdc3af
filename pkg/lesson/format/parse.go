package format

import (
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/lazyregexp"
	"github.com/shopctl/shopctl/pkg/lesson/command"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// roleLanguages are the languages of the roles.
var roleLanguages = [...]struct {
	role     Kind
	language string
}{
	{PredictKind, "yaml"},
	{RunKind, "sh"},
	{ObserveKind, "yaml"},
	{CheckKind, "yaml"},
	{HintsKind, "yaml"},
	{RecallKind, "yaml"},
}

func roles() []string {
	names := make([]string, len(roleLanguages))
	for i, r := range roleLanguages {
		names[i] = string(r.role)
	}
	return names
}

func isRole(name string) bool { return slices.Contains(roles(), name) }

// Parse reads a lesson.md. The error is Problems.
func Parse(file string, src []byte) (*Lesson, error) {
	r := &reporter{file: file}
	p := readPage(r, src)
	l := &Lesson{File: file, Unfilled: p.linesWith(FillIn)}
	if p.front != "" {
		if err := strictyaml.Decode(padded(1, p.front), &l.Front); err != nil {
			r.inFile(2, err)
		}
	}
	for _, s := range p.sections {
		l.Steps = append(l.Steps, r.step(p, s))
	}
	if len(r.problems) == 0 {
		r.validate(l)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return l, nil
}

// FillIn marks what the author has yet to write; lint finds it.
const FillIn = "FILL IN"

// linesWith returns the numbers of the lines that contain a text, from 1.
func (p *page) linesWith(text string) []int {
	var lines []int
	for i, line := range p.lines {
		if strings.Contains(line, text) {
			lines = append(lines, i+1)
		}
	}
	return lines
}

func (r *reporter) step(p *page, s section) Step {
	step := Step{ID: s.id, Title: s.title, Line: s.line}
	next := s.line + 1
	addProse := func(last int) {
		if text, line := p.prose(next, last); text != "" {
			step.Blocks = append(step.Blocks, Block{Kind: Prose, Line: line, Markdown: text})
		}
	}
	for _, f := range s.fences {
		addProse(f.open - 1)
		next = f.close + 1
		if b, ok := r.block(f); ok {
			if step.Block(b.Kind) != nil {
				r.add("role", f.open, 1, "step %q has a second %s block", s.id, f.role)
			}
			step.Blocks = append(step.Blocks, b)
		}
	}
	addProse(s.last)
	return step
}

func (r *reporter) block(f fence) (Block, bool) {
	if !isRole(f.role) {
		r.add("role", f.open, len(f.language)+5, "unknown role %q%s", f.role, strictyaml.DidYouMean(f.role, roles()))
		return Block{}, false
	}
	for _, want := range roleLanguages {
		if string(want.role) == f.role && want.language != f.language {
			r.add("role", f.open, 4, "a %s block is written in %s, not %s", f.role, want.language, f.language)
			return Block{}, false
		}
	}
	b := Block{Kind: Kind(f.role), Line: f.open}
	if err := decodeBlock(&b, padded(f.open, f.content)); err != nil {
		r.inFile(f.open+1, err)
		return Block{}, false
	}
	return b, true
}

// padded puts empty lines before a text, as many as precede it in its file, so that its positions are the file's.
func padded(lines int, text string) string { return strings.Repeat("\n", lines) + text }

func decodeBlock(b *Block, content string) (err error) {
	switch b.Kind {
	case PredictKind:
		b.Predict = &Predict{}
		return strictyaml.Decode(content, b.Predict)
	case RunKind:
		b.Run = &Run{Text: strings.TrimSpace(content)}
		b.Run.Lines, err = command.Parse(content)
		return err
	case ObserveKind:
		b.Observe = &Observe{}
		return strictyaml.Decode(content, b.Observe)
	case CheckKind:
		return strictyaml.Decode(content, &b.Checks)
	case HintsKind:
		b.Hints = &Hints{}
		return strictyaml.Decode(content, b.Hints)
	default:
		return strictyaml.Decode(content, &b.Recall)
	}
}

// validID matches ids of lessons, steps, checks and options: they are typed, and part of file names.
var validID = lazyregexp.New(`^[a-z0-9][a-z0-9-]{0,39}$`)
