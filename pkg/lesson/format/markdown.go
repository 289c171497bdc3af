package format

import (
	"bytes"
	"sort"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// page is a Markdown file cut into sections and fences, with lines counted from 1.
type page struct {
	lines    []string
	front    string // YAML, "" if there is none
	sections []section
}

// section is a heading of the second level and the text below it, up to the next one.
type section struct {
	id, title, source string
	line, last        int // of the heading, and the last line that belongs to the section
	fences            []fence
}

// fence is a fenced block with a role.
type fence struct {
	language, role string
	open, close    int // lines of the two fences
	content        string
}

// lineIndex turns offsets into lines.
type lineIndex []int

func indexLines(src []byte) lineIndex {
	idx := lineIndex{0}
	for i, c := range src {
		if c == '\n' {
			idx = append(idx, i+1)
		}
	}
	return idx
}

func (idx lineIndex) line(offset int) int {
	return sort.Search(len(idx), func(i int) bool { return idx[i] > offset })
}

// readPage cuts a file. Text before the first section belongs to no step and is reported.
func readPage(r *reporter, src []byte) *page {
	src = bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))
	p := &page{lines: strings.Split(string(src), "\n")}
	body := p.cutFront(r, src)
	idx := indexLines(src)
	md := parser.NewParser(
		parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithInlineParsers(parser.DefaultInlineParsers()...),
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
		parser.WithHeadingAttribute(),
	)
	doc := md.Parse(text.NewReader(body))
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		p.block(r, n, body, idx)
	}
	for i := range p.sections {
		last := len(p.lines)
		if i+1 < len(p.sections) {
			last = p.sections[i+1].line - 1
		}
		p.sections[i].last = last
	}
	return p
}

// cutFront takes the front matter and returns the source with it blanked, so that offsets stay.
func (p *page) cutFront(r *reporter, src []byte) []byte {
	if strings.TrimRight(p.lines[0], " ") != "---" {
		r.add("front-matter", 1, 1, "the file begins with front matter between two lines of three dashes")
		return src
	}
	for i := 1; i < len(p.lines); i++ {
		if strings.TrimRight(p.lines[i], " ") != "---" {
			continue
		}
		p.front = strings.Join(p.lines[1:i], "\n")
		end := 0
		for _, l := range p.lines[:i+1] {
			end += len(l) + 1
		}
		body := bytes.Clone(src)
		for j := range min(end, len(body)) {
			if body[j] != '\n' {
				body[j] = ' '
			}
		}
		return body
	}
	r.add("front-matter", 1, 1, "the front matter is not closed by a line of three dashes")
	return src
}

func (p *page) block(r *reporter, n ast.Node, src []byte, idx lineIndex) {
	switch n := n.(type) {
	case *ast.Heading:
		if n.Level == 2 {
			p.heading(r, n, src, idx)
		} else if n.Level == 1 && n.Lines().Len() > 0 {
			r.add("heading", idx.line(n.Lines().At(0).Start), 1, "the title belongs in the front matter; steps are headings of the second level")
		}
	case *ast.FencedCodeBlock:
		p.fence(r, n, src, idx)
	default:
		nested(r, n, src, idx)
	}
}

func (p *page) heading(r *reporter, n *ast.Heading, src []byte, idx lineIndex) {
	if n.Lines().Len() == 0 {
		r.add("heading", len(p.sections)+1, 1, "a step has a title: ## Title {#step-id}")
		return
	}
	line := idx.line(n.Lines().At(0).Start)
	s := section{line: line, title: strings.TrimSpace(string(n.Lines().Value(src)))}
	if !strings.HasPrefix(strings.TrimLeft(p.lines[line-1], " "), "##") {
		r.add("heading", line, 1, "write a step's heading as ## Title {#step-id}")
	}
	s.title, _, _ = strings.Cut(s.title, "{#")
	s.title = strings.TrimSpace(s.title)
	s.id = attribute(n, "id")
	s.source = attribute(n, "source")
	if s.id == "" {
		r.add("step-id", line, 1, "step %q has no id: ## %s {#step-id}", s.title, s.title)
	}
	p.sections = append(p.sections, s)
}

func attribute(n ast.Node, name string) string {
	v, _ := n.AttributeString(name)
	switch v := v.(type) {
	case []byte:
		return string(v)
	case string:
		return v
	}
	return ""
}

func (p *page) fence(r *reporter, n *ast.FencedCodeBlock, src []byte, idx lineIndex) {
	if n.Info == nil {
		return
	}
	words := strings.Fields(string(n.Info.Segment.Value(src)))
	if len(words) < 2 {
		return // an ordinary example
	}
	f := fence{language: words[0], role: words[1], open: idx.line(n.Info.Segment.Start), content: string(n.Lines().Value(src))}
	f.close = f.open + 1 + strings.Count(f.content, "\n")
	switch {
	case len(words) > 2:
		r.add("role", f.open, 1, "a block's info string is a language and a role, not %d words", len(words))
	case len(p.sections) == 0:
		r.add("role", f.open, 1, "a %s block must be in a step: ## Title {#step-id}", f.role)
	case f.close > len(p.lines) || !closes(p.lines[f.close-1]):
		r.add("fence", f.open, 1, "this fence is not closed")
	default:
		s := &p.sections[len(p.sections)-1]
		s.fences = append(s.fences, f)
	}
}

func closes(line string) bool {
	line = strings.TrimSpace(line)
	return strings.HasPrefix(line, "```") || strings.HasPrefix(line, "~~~")
}

// nested finds blocks with a role inside lists and quotations, which the engine ignores.
func nested(r *reporter, n ast.Node, src []byte, idx lineIndex) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		f, ok := c.(*ast.FencedCodeBlock)
		if !ok {
			if c.Type() == ast.TypeBlock {
				nested(r, c, src, idx)
			}
			continue
		}
		if f.Info == nil {
			continue
		}
		words := strings.Fields(string(f.Info.Segment.Value(src)))
		if len(words) == 2 && isRole(words[1]) {
			r.add("role", idx.line(f.Info.Segment.Start), 1, "a %s block cannot be inside a list or quotation", words[1])
		}
	}
}

// prose returns the lines from first to last without the empty ones around them.
func (p *page) prose(first, last int) (text string, line int) {
	for first <= last && strings.TrimSpace(p.lines[first-1]) == "" {
		first++
	}
	for last >= first && strings.TrimSpace(p.lines[last-1]) == "" {
		last--
	}
	if first > last {
		return "", first
	}
	return strings.Join(p.lines[first-1:last], "\n"), first
}
