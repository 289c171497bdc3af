package format

import (
	"strings"

	"github.com/shopctl/shopctl/pkg/lesson/strict"
)

// parseTranslation reads a lesson.<lang>.md.
func parseTranslation(file string, src []byte) (*Translation, error) {
	r := &reporter{file: file}
	p := readPage(r, src)
	var front struct {
		Title string `yaml:"title"`
	}
	if p.front != "" {
		if err := strict.Decode(padded(1, p.front), &front); err != nil {
			r.inFile(2, err)
		}
	}
	t := &Translation{File: file, Title: front.Title, Steps: map[string]TranslatedStep{}}
	for _, s := range p.sections {
		if len(s.fences) > 0 {
			r.add("translation", s.fences[0].open, 1, "a translation holds prose only; the %s block comes from lesson.md", s.fences[0].role)
		}
		if _, ok := t.Steps[s.id]; ok {
			r.add("id", s.line, 1, "step id %q is used twice", s.id)
		}
		t.Steps[s.id] = TranslatedStep{Title: s.title, Source: s.source, Line: s.line, Prose: p.pieces(s)}
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return t, nil
}

// pieces cuts a section's prose at its lines of three dashes.
func (p *page) pieces(s section) []string {
	var pieces []string
	first := s.line + 1
	for line := first; line <= s.last+1; line++ {
		if line <= s.last && strings.TrimRight(p.lines[line-1], " ") != "---" {
			continue
		}
		if text, _ := p.prose(first, line-1); text != "" {
			pieces = append(pieces, text)
		}
		first = line + 1
	}
	return pieces
}
