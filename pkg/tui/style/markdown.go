package style

import (
	"fmt"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// Markdown draws Markdown as lines of at most w cells.
func (t *Theme) Markdown(source string, w int) []string {
	if w <= 0 {
		return nil
	}
	r := renderer{t: t, source: []byte(source)}
	root := goldmark.DefaultParser().Parse(text.NewReader(r.source))
	return r.blocks(root, w)
}

type renderer struct {
	t      *Theme
	source []byte
}

// blocks draws the children of n with an empty line between them.
func (r *renderer) blocks(n ast.Node, w int) []string {
	var lines []string
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		block := r.block(child, max(w, 1))
		if len(block) == 0 {
			continue
		}
		if len(lines) > 0 && !isTight(child) {
			lines = append(lines, "")
		}
		lines = append(lines, block...)
	}
	return lines
}

// isTight reports whether n follows the block before it without an empty line, like the items of a short list.
func isTight(n ast.Node) bool {
	if list, ok := n.Parent().(*ast.List); ok {
		return list.IsTight
	}
	_, item := n.Parent().(*ast.ListItem)
	_, text := n.(*ast.TextBlock)
	_, list := n.(*ast.List)
	return item && (text || list)
}

func (r *renderer) block(n ast.Node, w int) []string {
	t := r.t
	switch n := n.(type) {
	case *ast.Heading:
		return t.paragraph(r.inline(n, t.Heading), w)
	case *ast.FencedCodeBlock, *ast.CodeBlock:
		return r.codeBlock(n, w)
	case *ast.Blockquote:
		return Prefix(t.Faint.Paint(t.Vertical+" "), r.blocks(n, w-2))
	case *ast.List:
		return r.list(n, w)
	case *ast.ThematicBreak:
		return []string{t.Border.Paint(strings.Repeat(t.Horizontal, w))}
	case *ast.HTMLBlock:
		return nil
	case *ast.Paragraph, *ast.TextBlock:
		return t.paragraph(r.inline(n), w)
	default:
		return r.blocks(n, w)
	}
}

func (r *renderer) codeBlock(n ast.Node, w int) []string {
	var lines []string
	for i := range n.Lines().Len() {
		segment := n.Lines().At(i)
		line := Clean(strings.TrimRight(string(segment.Value(r.source)), "\n"))
		lines = append(lines, r.t.Code.PaintLines(Hang("  ", line, w))...)
	}
	return lines
}

func (r *renderer) list(n *ast.List, w int) []string {
	var lines []string
	number := n.Start
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		mark := r.t.bullet + " "
		if n.IsOrdered() {
			mark = fmt.Sprintf("%d. ", number)
			number++
		}
		if len(lines) > 0 && !n.IsTight {
			lines = append(lines, "")
		}
		for i, line := range r.blocks(item, w-Width(mark)) {
			if i == 0 {
				lines = append(lines, r.t.Faint.Paint(mark)+line)
			} else {
				lines = append(lines, Spaces(Width(mark))+line)
			}
		}
	}
	return lines
}

func Prefix(prefix string, lines []string) []string {
	for i := range lines {
		lines[i] = prefix + lines[i]
	}
	return lines
}

// inline draws the text in n. Tones nest: each piece of text starts all tones that apply to it, and ends them.
func (r *renderer) inline(n ast.Node, tones ...Tone) string {
	var b strings.Builder
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		switch c := child.(type) {
		case *ast.Text:
			r.write(&b, string(c.Segment.Value(r.source)), tones)
			switch {
			case c.HardLineBreak():
				b.WriteByte('\n')
			case c.SoftLineBreak() && !joinsLines(string(c.Segment.Value(r.source)), r.textOf(c.NextSibling())):
				b.WriteByte(' ')
			}
		case *ast.String:
			r.write(&b, string(c.Value), tones)
		case *ast.CodeSpan:
			b.WriteString(r.inline(c, append(tones[:len(tones):len(tones)], r.t.Code)...))
		case *ast.Emphasis:
			tone := r.t.Accent
			if c.Level > 1 {
				tone = r.t.Bold
			}
			b.WriteString(r.inline(c, append(tones[:len(tones):len(tones)], tone)...))
		case *ast.Link:
			text := r.inline(c, append(tones[:len(tones):len(tones)], r.t.Info)...)
			b.WriteString(text)
			if url := string(c.Destination); !strings.Contains(text, url) {
				r.write(&b, " ("+url+")", []Tone{r.t.Faint})
			}
		case *ast.AutoLink:
			r.write(&b, string(c.URL(r.source)), []Tone{r.t.Info})
		case *ast.RawHTML:
		default:
			b.WriteString(r.inline(child, tones...))
		}
	}
	return b.String()
}

// textOf is the text at the start of a node, empty if the node is not text.
func (r *renderer) textOf(n ast.Node) string {
	if t, ok := n.(*ast.Text); ok {
		return string(t.Segment.Value(r.source))
	}
	return ""
}

func (r *renderer) write(b *strings.Builder, text string, tones []Tone) {
	text = Clean(strings.ReplaceAll(text, "\n", " "))
	on := ""
	for _, t := range tones {
		on += t.on
	}
	if on == "" || text == "" {
		b.WriteString(text)
		return
	}
	b.WriteString(on + text + "\x1b[m")
}

// paragraph wraps painted text. A color that continues on the next line is ended and started again.
func (t *Theme) paragraph(text string, w int) []string {
	lines := Wrap(text, w)
	if !t.Color {
		return lines
	}
	open := ""
	for i, line := range lines {
		next := openAt(open, line)
		line = open + line
		if next != "" {
			line += "\x1b[m"
		}
		lines[i], open = line, next
	}
	return lines
}

// openAt returns the active sequences at the end of a line that began with open.
func openAt(open, line string) string {
	for {
		from := strings.Index(line, "\x1b[")
		if from < 0 {
			return open
		}
		line = line[from:]
		to := strings.IndexByte(line, 'm')
		if to < 0 {
			return open
		}
		if sequence := line[:to+1]; sequence == "\x1b[m" || sequence == "\x1b[0m" {
			open = ""
		} else {
			open += sequence
		}
		line = line[to+1:]
	}
}

// HangPainted is Hang for painted text.
func (t *Theme) HangPainted(prefix, text string, w int) []string {
	indent := Width(prefix)
	lines := t.paragraph(text, max(w-indent, 1))
	for i, line := range lines {
		if i == 0 {
			lines[i] = prefix + line
		} else {
			lines[i] = Spaces(indent) + line
		}
	}
	return lines
}
