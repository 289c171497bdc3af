package jsonpath

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Parse parses a template.
func Parse(text string) (*Template, error) {
	p := &parser{text: text}
	nodes, err := p.nodes(false)
	if err != nil {
		return nil, fmt.Errorf("read jsonpath %q: %w", text, err)
	}
	return &Template{nodes}, nil
}

// parser reads a template from left to right. at is the next byte; inside: it is within braces.
type parser struct {
	text   string
	at     int
	inside bool
}

func (p *parser) rest() string { return p.text[p.at:] }

func (p *parser) done() bool { return p.at >= len(p.text) }

// next reports whether the next byte is one of set.
func (p *parser) next(set string) bool { return !p.done() && strings.IndexByte(set, p.text[p.at]) >= 0 }

func (p *parser) skipSpace() {
	for p.next(" \t\n") {
		p.at++
	}
}

// nodes reads up to the end of the text or, within a range, up to its {end}.
func (p *parser) nodes(within bool) ([]node, error) {
	var all []node
	for {
		if !p.inside {
			text, _, _ := strings.Cut(p.rest(), "{")
			if text != "" {
				all = append(all, node{text: text})
			}
			if p.at += len(text); p.done() {
				if within {
					return nil, fmt.Errorf("{range} has no {end}")
				}
				return all, nil
			}
			p.at, p.inside = p.at+1, true
		}
		p.skipSpace()
		switch {
		case p.done():
			return nil, fmt.Errorf("a { has no }")
		case p.next("}"):
			p.at, p.inside = p.at+1, false
			continue
		}
		n, end, err := p.expression()
		switch {
		case err != nil:
			return nil, err
		case end && !within:
			return nil, fmt.Errorf("{end} without {range}")
		case end:
			return all, nil
		}
		all = append(all, n)
	}
}

// expression reads one thing within braces: quoted text, a path, a range with its body, or the word end.
func (p *parser) expression() (n node, end bool, err error) {
	if p.next(`"'`) {
		n.text, err = p.quoted()
		return n, false, err
	}
	if p.word("end") {
		return node{}, true, nil
	}
	n.repeats = p.word("range")
	p.skipSpace()
	if n.path, err = p.path(); err != nil {
		return n, false, err
	}
	if n.repeats {
		n.body, err = p.nodes(true)
	}
	return n, false, err
}

// word takes a word that ends here.
func (p *parser) word(word string) bool {
	rest, ok := strings.CutPrefix(p.rest(), word)
	if !ok || rest != "" && strings.IndexByte(" }\t\n", rest[0]) < 0 {
		return false
	}
	p.at += len(word)
	return true
}

// quoted takes text in single or double quotes, with Go's escapes.
func (p *parser) quoted() (string, error) {
	quote := p.text[p.at]
	for i := p.at + 1; i < len(p.text); i++ {
		switch p.text[i] {
		case '\\':
			i++
		case quote:
			inner := p.text[p.at+1 : i]
			p.at = i + 1
			if quote == '\'' {
				inner = strings.ReplaceAll(strings.ReplaceAll(inner, `\'`, `'`), `"`, `\"`)
			}
			text, err := strconv.Unquote(`"` + inner + `"`)
			if err != nil {
				return "", fmt.Errorf("read %c%s%c: %w", quote, inner, quote, err)
			}
			return text, nil
		}
	}
	return "", fmt.Errorf("a quote is not closed: %s", p.rest())
}

// path takes a path: $ or @, and then steps.
func (p *parser) path() (*path, error) {
	found := &path{}
	if p.next("$@") {
		found.root = p.text[p.at] == '$'
		p.at++
	} else if !p.next(".[") {
		return nil, fmt.Errorf("want a path that begins with a dot, and not %q", p.rest())
	}
	for p.next(".[") {
		s, err := p.step()
		if err != nil {
			return nil, err
		}
		if s.kind != self {
			found.steps = append(found.steps, s)
		}
	}
	return found, nil
}

func (p *parser) step() (step, error) {
	if p.next("[") {
		return p.bracket()
	}
	p.at++
	if p.next(".") {
		p.at++
		if p.next("[") {
			return step{kind: descend, names: []string{"*"}}, nil
		}
		name := p.name()
		if name == "" {
			return step{}, errors.New("\"..\" needs a field behind it")
		}
		return step{kind: descend, names: []string{name}}, nil
	}
	switch name := p.name(); name {
	case "":
		return step{kind: self}, nil
	case "*":
		return step{kind: wildcard}, nil
	default:
		return step{kind: field, names: []string{name}}, nil
	}
}

// name takes the name of a field, in which a backslash escapes a dot.
func (p *parser) name() string {
	var name strings.Builder
	for !p.done() && !p.next(".[]{}()'\" \t\n=!<>,") {
		if p.next(`\`) && p.at+1 < len(p.text) {
			p.at++
		}
		name.WriteByte(p.text[p.at])
		p.at++
	}
	return name.String()
}
