// Package promexpr reads PromQL within limits. Prometheus' own parser trusts its input: some time in it grows with the
// square of the length, and a regular expression of a few characters can take a hundred megabytes. Here everything
// that is too long, too deep or too large is refused before it costs anything.
package promexpr

import (
	"fmt"
	"regexp/syntax"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/util/strutil"
)

// The limits. The largest expression of the dashboards and rules that come with the shop takes a tenth of them.
const (
	// MaxLength is in bytes, of an expression or of all selectors of a request.
	MaxLength = 16 << 10
	// maxTokens bounds the nodes of the tree, and maxDepth how deep brackets nest.
	maxTokens, maxDepth = 2000, 64
	// maxRegexp is the length of a regular expression in bytes, and maxProgram about how many instructions it compiles to.
	maxRegexp, maxProgram = 4 << 10, 5000
	// maxSelectors is how many selectors there may be in a request.
	maxSelectors = 100
)

// Parser is Prometheus' parser within the limits.
type Parser struct{ parser.Parser }

// NewParser returns a parser.
func NewParser() Parser { return Parser{parser.NewParser(parser.Options{})} }

// LimitError is the error of an expression beyond a limit.
type LimitError struct{ text string }

func (e *LimitError) Error() string { return e.text }

func limit(format string, args ...any) error { return &LimitError{fmt.Sprintf(format, args...)} }

// ParseExpr implements parser.Parser. Errors are of Prometheus, or a *LimitError.
func (p Parser) ParseExpr(text string) (parser.Expr, error) {
	if err := scan(text); err != nil {
		return nil, err
	}
	expr, err := p.Parser.ParseExpr(text)
	if err != nil {
		return nil, err
	}
	if err := checkCalls(expr); err != nil {
		return nil, err
	}
	return expr, nil
}

// ParseMetricSelector implements parser.Parser.
func (p Parser) ParseMetricSelector(text string) ([]*labels.Matcher, error) {
	if err := scan(text); err != nil {
		return nil, err
	}
	return p.Parser.ParseMetricSelector(text)
}

// ParseMetricSelectors implements parser.Parser. The limit of the length applies to all of them together.
func (p Parser) ParseMetricSelectors(texts []string) ([][]*labels.Matcher, error) {
	if len(texts) > maxSelectors {
		return nil, limit("%d selectors are more than the limit of %d", len(texts), maxSelectors)
	}
	length := 0
	for _, text := range texts {
		if length += len(text); length > MaxLength {
			return nil, tooLong("selectors", length)
		}
		if err := scan(text); err != nil {
			return nil, err
		}
	}
	return p.Parser.ParseMetricSelectors(texts)
}

func tooLong(what string, length int) error {
	return limit("%s of %d bytes are longer than the limit of %d", what, length, MaxLength)
}

// scan reads the tokens only, each once.
func scan(text string) error {
	if len(text) > MaxLength {
		return tooLong("expressions", len(text))
	}
	lexer := parser.Lex(text)
	depth, matching := 0, false
	for tokens := 1; ; tokens++ {
		var item parser.Item
		lexer.NextItem(&item)
		switch item.Typ {
		case parser.EOF, parser.ERROR:
			return nil // what is wrong is the parser's to say
		case parser.LEFT_PAREN, parser.LEFT_BRACE, parser.LEFT_BRACKET:
			depth++
		case parser.RIGHT_PAREN, parser.RIGHT_BRACE, parser.RIGHT_BRACKET:
			depth--
		case parser.STRING:
			if err := checkRegexp(item.Val, matching); err != nil {
				return err
			}
		}
		matching = item.Typ == parser.EQL_REGEX || item.Typ == parser.NEQ_REGEX
		switch {
		case depth > maxDepth:
			return limit("brackets are nested deeper than the limit of %d", maxDepth)
		case tokens > maxTokens:
			return limit("the expression has more than the limit of %d names, numbers and operators", maxTokens)
		}
	}
}

// checkRegexp checks a quoted string, if it is used as a regular expression.
func checkRegexp(quoted string, used bool) error {
	if !used {
		return nil
	}
	text, err := strutil.Unquote(quoted)
	if err != nil {
		return nil //nolint:nilerr // what is wrong is the parser's to say
	}
	return regexpWithin(text)
}

// checkCalls finds the regular expressions of functions.
func checkCalls(expr parser.Expr) (err error) {
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		call, ok := n.(*parser.Call)
		if !ok || call.Func.Name != "label_replace" || len(call.Args) != 5 || err != nil {
			return err
		}
		if text, ok := call.Args[4].(*parser.StringLiteral); ok {
			err = regexpWithin(text.Val)
		}
		return err
	})
	return err
}

func regexpWithin(text string) error {
	if len(text) > maxRegexp {
		return limit("regular expressions of %d bytes are longer than the limit of %d", len(text), maxRegexp)
	}
	re, err := syntax.Parse(text, syntax.Perl)
	if err == nil && program(re) > maxProgram {
		return limit("the regular expression %.40q repeats too much", text)
	}
	return nil
}

// program is about how many instructions an expression compiles to, counted no further than needed.
func program(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)/32
	if re.Op == syntax.OpLiteral {
		n = len(re.Rune)
	}
	for _, sub := range re.Sub {
		n = min(n+program(sub), maxProgram+1)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(1, re.Min, re.Max)
	}
	return min(n, maxProgram+1)
}
