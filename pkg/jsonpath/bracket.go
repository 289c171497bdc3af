package jsonpath

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// bracket takes [0], [-1], [1:3], [0,2], [*], ['a.b'], ['a','b'] or [?(@.x=="y")].
func (p *parser) bracket() (step, error) {
	p.at++
	p.skipSpace()
	switch {
	case strings.HasPrefix(p.rest(), "?("):
		return p.filter()
	case p.next("*"):
		p.at++
		return step{kind: wildcard}, p.close("]")
	case p.next(`'"`):
		s := step{kind: field}
		for {
			name, err := p.quoted()
			if err != nil {
				return s, err
			}
			s.names = append(s.names, name)
			if p.skipSpace(); !p.next(",") {
				return s, p.close("]")
			}
			p.at++
			p.skipSpace()
		}
	}
	inner, _, ok := strings.Cut(p.rest(), "]")
	if !ok {
		return step{}, fmt.Errorf("a [ has no ]")
	}
	p.at += len(inner) + 1
	s := step{kind: elements}
	for word := range strings.SplitSeq(inner, ",") {
		r, err := parseSpan(strings.TrimSpace(word))
		if err != nil {
			return s, err
		}
		s.spans = append(s.spans, r)
	}
	return s, nil
}

func (p *parser) close(bracket string) error {
	p.skipSpace()
	if !strings.HasPrefix(p.rest(), bracket) {
		return fmt.Errorf("want %s, and not %q", bracket, p.rest())
	}
	p.at += len(bracket)
	return nil
}

// parseSpan reads START, START:END or START:END:STEP.
func parseSpan(word string) (span, error) {
	parts := strings.Split(word, ":")
	r := span{single: len(parts) == 1}
	if word == "" || len(parts) > 3 {
		return r, fmt.Errorf("read [%s]: want an index, a slice such as 0:2, * or a filter", word)
	}
	for i, part := range parts {
		if part == "" {
			continue
		}
		n, err := strconv.Atoi(part)
		if err != nil {
			return r, fmt.Errorf("read [%s]: %q is not a number", word, part)
		}
		r.bounds[i] = &n
	}
	if by := r.bounds[2]; by != nil && *by <= 0 {
		return r, fmt.Errorf("read [%s]: a step must be above zero", word)
	}
	return r, nil
}

// filter takes [?(LEFT OP RIGHT)] or [?(PATH)].
func (p *parser) filter() (step, error) {
	p.at += len("?(")
	c := &comparison{}
	var err error
	if c.left, err = p.operand(); err != nil {
		return step{}, err
	}
	p.skipSpace()
	for _, op := range []string{"==", "!=", "<=", ">=", "<", ">"} {
		if strings.HasPrefix(p.rest(), op) {
			p.at += len(op)
			c.op = op
			if c.right, err = p.operand(); err != nil {
				return step{}, err
			}
			break
		}
	}
	if err := p.close(")"); err != nil {
		return step{}, fmt.Errorf("read a filter: want one comparison with ==, !=, <, >, <= or >=: %w", err)
	}
	return step{kind: where, filter: c}, p.close("]")
}

// operand takes a path or a literal.
func (p *parser) operand() (operand, error) {
	p.skipSpace()
	switch {
	case p.next("@$."):
		found, err := p.path()
		return operand{path: found}, err
	case p.next(`'"`):
		text, err := p.quoted()
		return operand{literal: text}, err
	}
	switch word := p.literal(); word {
	case "true", "false":
		return operand{literal: word == "true"}, nil
	default:
		if _, err := strconv.ParseFloat(word, 64); err != nil {
			return operand{}, fmt.Errorf("read %q in a filter: want a path that begins with @, a number, true, false, or text in quotes", word)
		}
		return operand{literal: json.Number(word)}, nil
	}
}

// literal takes what is written without quotes: a number or a word.
func (p *parser) literal() string {
	from := p.at
	for !p.done() && !p.next(" \t\n)=!<>") {
		p.at++
	}
	return p.text[from:p.at]
}
