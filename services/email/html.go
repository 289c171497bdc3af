package email

import (
	"html"
	"strings"
)

// node is a piece of HTML. Input from outside is always text, which is escaped.
type node interface {
	write(to *strings.Builder)
}

// text is shown verbatim.
type text string

func (t text) write(to *strings.Builder) { to.WriteString(html.EscapeString(string(t))) }

// element is a tag with its inline style (mail readers drop style sheets) and what is in it.
type element struct {
	tag      string
	style    string
	children []node
}

func el(tag, style string, children ...node) element { return element{tag, style, children} }

func (e element) write(to *strings.Builder) {
	to.WriteString("<" + e.tag)
	if e.style != "" {
		to.WriteString(` style="` + html.EscapeString(e.style) + `"`)
	}
	to.WriteByte('>')
	for _, child := range e.children {
		child.write(to)
	}
	to.WriteString("</" + e.tag + ">")
}

// br ends a line; it is an element without content.
type br struct{}

func (br) write(to *strings.Builder) { to.WriteString("<br>") }

// page returns a whole document.
func page(title string, body element) string {
	var b strings.Builder
	b.WriteString(`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">`)
	el("title", "", text(title)).write(&b)
	b.WriteString("</head>")
	body.write(&b)
	b.WriteString("</html>\n")
	return b.String()
}
