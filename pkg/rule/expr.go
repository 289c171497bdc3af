package rule

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/shopctl/shopctl/pkg/suggest"
)

// expr is a pipeline: the value of each stage is the last argument of the next.
type expr struct{ stages []stage }

// stage is one operand, or a function with its arguments.
type stage struct {
	call string
	args []operand
}

// operand is a value that is written down or looked up, or an expression in parentheses.
type operand struct {
	constant any
	label    string
	value    bool
	sub      *expr
}

func (e *expr) eval(d Data) (any, error) {
	var v any
	for i, s := range e.stages {
		args := make([]any, 0, len(s.args)+1)
		for _, a := range s.args {
			arg, err := a.eval(d)
			if err != nil {
				return nil, err
			}
			args = append(args, arg)
		}
		if i > 0 {
			args = append(args, v)
		}
		if s.call == "" {
			v = args[0]
			continue
		}
		var err error
		if v, err = functions()[s.call].do(args); err != nil {
			return nil, fmt.Errorf("%s: %w", s.call, err)
		}
	}
	return v, nil
}

func (o operand) eval(d Data) (any, error) {
	switch {
	case o.sub != nil:
		return o.sub.eval(d)
	case o.value:
		return d.Value, nil
	case o.label != "":
		return d.Labels[o.label], nil
	}
	return o.constant, nil
}

// parseExpr reads the expression between {{ and }}.
func parseExpr(text string) (*expr, error) {
	tokens, err := scan(text)
	if err != nil {
		return nil, err
	}
	p := &exprParser{tokens: tokens}
	e, err := p.pipeline(0)
	if err == nil && p.peek() != "" {
		err = fmt.Errorf("unexpected %s", p.peek())
	}
	return e, err
}

// scan splits an expression into words, strings, numbers, pipes and parentheses.
func scan(text string) ([]string, error) {
	var tokens []string
	for i := 0; i < len(text); {
		c := text[i]
		end := i + 1
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case c == '|' || c == '(' || c == ')':
		case c == '"' || c == '`':
			for end < len(text) && text[end] != c {
				if c == '"' && text[end] == '\\' {
					end++
				}
				end++
			}
			if end >= len(text) {
				return nil, errors.New("a string is not closed")
			}
			end++
		default:
			for end < len(text) && !strings.ContainsRune(" \t\r\n|()\"`", rune(text[end])) {
				end++
			}
		}
		tokens = append(tokens, text[i:end])
		i = end
	}
	return tokens, nil
}

type exprParser struct {
	tokens []string
	at     int
}

func (p *exprParser) peek() string {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return ""
}

func (p *exprParser) pipeline(depth int) (*expr, error) {
	if depth > maxDepth {
		return nil, errors.New("parentheses nest too deeply")
	}
	e := &expr{}
	for {
		s, err := p.stage(depth, len(e.stages) > 0)
		if err != nil {
			return nil, err
		}
		e.stages = append(e.stages, s)
		if p.peek() != "|" {
			return e, nil
		}
		p.at++
	}
}

func (p *exprParser) stage(depth int, piped bool) (stage, error) {
	var s stage
	if word := p.peek(); word != "" && (unicode.IsLetter(rune(word[0])) || word[0] == '_') && word != "true" && word != "false" {
		if err := knownFunction(word); err != nil {
			return s, err
		}
		s.call = word
		p.at++
	}
	for p.peek() != "" && p.peek() != "|" && p.peek() != ")" {
		o, err := p.operand(depth)
		if err != nil {
			return s, err
		}
		s.args = append(s.args, o)
	}
	n := len(s.args)
	if piped {
		n++
	}
	switch f := functions()[s.call]; {
	case s.call == "" && piped:
		return s, errors.New("want a function after |")
	case s.call == "" && n == 0:
		return s, errors.New("a value is missing")
	case s.call == "" && n > 1:
		return s, errors.New("two values without a function between them")
	case s.call != "" && (n < f.least || n > f.most):
		return s, fmt.Errorf("%s takes %s, not %d", s.call, f.arity(), n)
	}
	return s, nil
}

func (p *exprParser) operand(depth int) (operand, error) {
	word := p.peek()
	p.at++
	switch {
	case word == "(":
		e, err := p.pipeline(depth + 1)
		if err == nil && p.peek() != ")" {
			err = errors.New("a parenthesis is not closed")
		}
		p.at++
		return operand{sub: e}, err
	case word == "$value" || word == ".Value":
		return operand{value: true}, nil
	case word[0] == '"' || word[0] == '`':
		s, err := strconv.Unquote(word)
		if err != nil {
			return operand{}, fmt.Errorf("%s is not a valid string", word)
		}
		return operand{constant: s}, nil
	case word == "true" || word == "false":
		return operand{constant: word == "true"}, nil
	}
	for _, prefix := range []string{"$labels.", ".Labels."} {
		if name, ok := strings.CutPrefix(word, prefix); ok && isName(name) {
			return operand{label: name}, nil
		}
	}
	if n, err := strconv.Atoi(word); err == nil {
		return operand{constant: n}, nil
	}
	if f, err := strconv.ParseFloat(word, 64); err == nil {
		return operand{constant: f}, nil
	}
	return operand{}, fmt.Errorf("%s is not known; there are $value, $labels.NAME, strings, numbers and functions", word)
}

func isName(s string) bool {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return s != ""
}

// knownFunction reports what is wrong with the name of a function.
func knownFunction(name string) error {
	all := functions()
	if _, ok := all[name]; ok {
		return nil
	}
	known := slices.Sorted(maps.Keys(all))
	if near := suggest.Typo(name, known); near != "" {
		return fmt.Errorf("%s is not known; did you mean %q?", name, near)
	}
	return fmt.Errorf("%s is not supported here; functions are %s", name, strings.Join(known, ", "))
}
