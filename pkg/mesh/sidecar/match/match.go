// Package match compiles the conditions that routes and policies share: on texts, on header fields and on paths. A
// compiled condition is used by several goroutines, and allocates nothing.
package match

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
)

// String is a condition on a text.
type String func(text string) bool

// CompileString compiles a condition. An empty prefix, suffix or part fits every text.
func CompileString(m *matcherv3.StringMatcher) (String, error) {
	if m.GetIgnoreCase() {
		return compileFolded(m)
	}
	switch p := m.GetMatchPattern().(type) {
	case *matcherv3.StringMatcher_Exact:
		return func(text string) bool { return text == p.Exact }, nil
	case *matcherv3.StringMatcher_Prefix:
		return func(text string) bool { return strings.HasPrefix(text, p.Prefix) }, nil
	case *matcherv3.StringMatcher_Suffix:
		return func(text string) bool { return strings.HasSuffix(text, p.Suffix) }, nil
	case *matcherv3.StringMatcher_Contains:
		return func(text string) bool { return strings.Contains(text, p.Contains) }, nil
	case *matcherv3.StringMatcher_SafeRegex:
		return Regex(p.SafeRegex.GetRegex())
	}
	return nil, fmt.Errorf("a match of a text by %T is not supported", m.GetMatchPattern())
}

// compileFolded compiles a condition for which case does not count: that of ASCII, as in Envoy. To a regular expression
// case counts nevertheless.
func compileFolded(m *matcherv3.StringMatcher) (String, error) {
	switch p := m.GetMatchPattern().(type) {
	case *matcherv3.StringMatcher_Exact:
		return func(text string) bool { return equalFold(text, p.Exact) }, nil
	case *matcherv3.StringMatcher_Prefix:
		n := len(p.Prefix)
		return func(text string) bool { return len(text) >= n && equalFold(text[:n], p.Prefix) }, nil
	case *matcherv3.StringMatcher_Suffix:
		n := len(p.Suffix)
		return func(text string) bool { return len(text) >= n && equalFold(text[len(text)-n:], p.Suffix) }, nil
	case *matcherv3.StringMatcher_Contains:
		part := strings.ToLower(p.Contains)
		return func(text string) bool { return strings.Contains(strings.ToLower(text), part) }, nil
	case *matcherv3.StringMatcher_SafeRegex:
		return Regex(p.SafeRegex.GetRegex())
	}
	return nil, fmt.Errorf("a match of a text by %T is not supported", m.GetMatchPattern())
}

// equalFold compares as ASCII: a Kelvin sign is not a k.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Regex is a regular expression that a whole text has to fit.
func Regex(text string) (String, error) {
	if text == ".*" {
		return func(text string) bool { return !strings.Contains(text, "\n") }, nil
	}
	// Compiled by itself first: the group around it could close another that is left open.
	if _, err := regexp.Compile(text); err != nil {
		return nil, fmt.Errorf("regular expression %q: %w", text, err)
	}
	whole, err := regexp.Compile(`^(?:` + text + `)$`)
	if err != nil {
		return nil, fmt.Errorf("regular expression %q: %w", text, err)
	}
	return whole.MatchString, nil
}

// Header is a condition on a field of a request.
type Header struct {
	name    string
	value   String // nil: it only has to be there
	invert  bool
	orEmpty bool // a missing field counts as an empty one
}

// CompileHeader compiles a condition on a field. Names are compared as they are: one with capital letters fits none.
func CompileHeader(m *routev3.HeaderMatcher) (Header, error) {
	h := Header{name: m.GetName(), invert: m.GetInvertMatch(), orEmpty: m.GetTreatMissingHeaderAsEmpty()}
	switch kind := m.GetHeaderMatchSpecifier().(type) {
	case *routev3.HeaderMatcher_PresentMatch:
		h.invert = h.invert == kind.PresentMatch // it has to be there unless exactly one of the two says otherwise
	case *routev3.HeaderMatcher_StringMatch:
		value, err := CompileString(kind.StringMatch)
		if err != nil {
			return h, err
		}
		h.value = value
	case nil:
	default:
		return h, fmt.Errorf("a match of a header by %T is not supported", kind)
	}
	if h.name == "" {
		return h, errors.New("a header has no name")
	}
	return h, nil
}

// Fits reports whether the condition holds. A condition on the value of a field that is missing does not hold, also
// when it is inverted, unless missing counts as empty.
func (h *Header) Fits(r *field.Request) bool {
	value, ok := r.Lookup(h.name)
	if h.value == nil {
		return ok != h.invert
	}
	if !ok && !h.orEmpty {
		return false
	}
	return h.value(value) != h.invert
}
