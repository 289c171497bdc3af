package rule

import (
	"fmt"
	"strings"
)

// Template is the text of a label or annotation of an alert, in the part of Go's template language that
// alerts are written in: {{ $labels.x }}, {{ $value }}, pipes, and functions of Prometheus such as
// humanize. Go's own package cannot be used: it calls methods by name, and the linker would have to keep
// all there are. What is not known here is an error when the rule is read, not when the alert fires.
type Template struct{ parts []part }

// part is literal text, or an expression to put in its place.
type part struct {
	text string
	expr *expr
}

const (
	// maxTemplate bounds the length of a template, maxExpanded that of its expansion, in bytes.
	maxTemplate = 16 << 10
	maxExpanded = 64 << 10
	// maxDepth bounds how deep parentheses nest.
	maxDepth = 16
)

// ParseTemplate reads a template. The error has the line and column in the text.
func ParseTemplate(text string) (*Template, error) {
	if len(text) > maxTemplate {
		return nil, fmt.Errorf("the template is longer than %d bytes", maxTemplate)
	}
	t := &Template{}
	rest, trim := text, false
	for rest != "" {
		open := strings.Index(rest, "{{")
		if open < 0 {
			t.literal(rest, trim, false)
			break
		}
		inner := rest[open+2:]
		trimBefore := strings.HasPrefix(inner, "- ") || strings.HasPrefix(inner, "-\n") || strings.HasPrefix(inner, "-\t")
		t.literal(rest[:open], trim, trimBefore)
		if trimBefore {
			inner = inner[1:]
		}
		body, after, ok := action(inner)
		if !ok {
			return nil, fmt.Errorf("%s: {{ without }}", place(text, len(text)-len(rest)+open))
		}
		trim = strings.HasSuffix(body, " -") || strings.HasSuffix(body, "\n-") || strings.HasSuffix(body, "\t-")
		if trim {
			body = body[:len(body)-1]
		}
		at := place(text, len(text)-len(rest)+open)
		rest = after
		if comment := strings.TrimSpace(body); strings.HasPrefix(comment, "/*") && strings.HasSuffix(comment, "*/") {
			continue
		}
		e, err := parseExpr(body)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		t.parts = append(t.parts, part{expr: e})
	}
	return t, nil
}

// action splits what follows {{ at the }} that ends it, which is not in a string.
func action(s string) (body, after string, ok bool) {
	var quote byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote == '"' && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '`':
			quote = c
		case strings.HasPrefix(s[i:], "}}"):
			return s[:i], s[i+2:], true
		}
	}
	return "", "", false
}

func (t *Template) literal(s string, trimLeft, trimRight bool) {
	const space = " \t\r\n"
	if trimLeft {
		s = strings.TrimLeft(s, space)
	}
	if trimRight {
		s = strings.TrimRight(s, space)
	}
	if s != "" {
		t.parts = append(t.parts, part{text: s})
	}
}

// place is line:column of an offset, both from 1.
func place(text string, offset int) string {
	before := text[:offset]
	line := strings.Count(before, "\n") + 1
	column := len([]rune(before[strings.LastIndexByte(before, '\n')+1:])) + 1
	return fmt.Sprintf("%d:%d", line, column)
}

// Data is the data that a template may refer to.
type Data struct {
	Labels map[string]string
	Value  float64
}

// Expand puts data into the template. An error is written into the text, as in Prometheus: an
// alert with a strange text is better than none.
func (t *Template) Expand(d Data) string {
	var b strings.Builder
	for _, p := range t.parts {
		if p.expr == nil {
			b.WriteString(p.text)
		} else {
			v, err := p.expr.eval(d)
			if err != nil {
				return fmt.Sprintf("<error expanding template: %v>", err)
			}
			fmt.Fprint(&b, v)
		}
		if b.Len() > maxExpanded {
			return b.String()[:maxExpanded]
		}
	}
	return b.String()
}
