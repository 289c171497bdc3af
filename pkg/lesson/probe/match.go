package probe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Field is a place in the response ("products[0].name") and the condition on its value.
type Field struct {
	At    strictyaml.Position
	Path  string `yaml:"path" lesson:"required"`
	Match `yaml:",inline"`
}

// Match is a condition on one value; all conditions that are set must hold.
type Match struct {
	// Equals compares numbers by value and everything else as text.
	Equals   *string  `yaml:"equals"`
	Contains string   `yaml:"contains"`
	Matches  Pattern  `yaml:"matches"`
	Count    *int     `yaml:"count"`
	AtLeast  *float64 `yaml:"at_least"`
	AtMost   *float64 `yaml:"at_most"`
	// Absent holds when there is no value.
	Absent bool `yaml:"absent"`
}

// empty reports whether no condition is set.
func (m Match) empty() bool {
	return m.Equals == nil && m.Contains == "" && m.Matches.Regexp == nil && m.Count == nil && m.AtLeast == nil && m.AtMost == nil && !m.Absent
}

// Strings is one text or a list of them.
type Strings []string

// DecodeNode reads both shapes.
func (s *Strings) DecodeNode(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		*s = Strings{n.Value}
		return nil
	}
	var list []string
	if err := strictyaml.Into(n, &list); err != nil {
		return err
	}
	*s = list
	return nil
}

// Pattern is a regular expression.
type Pattern struct{ *regexp.Regexp }

// DecodeNode compiles the pattern.
func (p *Pattern) DecodeNode(n *yaml.Node) error {
	var text string
	if err := strictyaml.Into(n, &text); err != nil {
		return err
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return strictyaml.At(n, "%s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	p.Regexp = re
	return nil
}

// fields reports fields without a condition and paths that cannot be read.
func (report Report) fields(fields []Field) {
	for _, f := range fields {
		if f.empty() {
			report(f.At, "field %q has no condition: add equals, contains, matches, count, at_least, at_most or absent", f.Path)
		}
		if _, err := parsePath(f.Path); err != nil {
			report(f.At, "%s", err)
		}
	}
}

// bounds reports bounds without a condition.
func (report Report) bounds(bounds ...*Bound) {
	for _, b := range bounds {
		if b != nil && b.empty() {
			report(b.At, "a bound is a number, or has above, below, at_least, at_most or equals")
		}
	}
}

// Holds reports whether a value, as decoded from JSON, meets the conditions.
func (m Match) Holds(v any) bool {
	text := textOf(v)
	switch {
	case m.Absent:
		return v == nil
	case m.Equals != nil && !same(*m.Equals, text),
		m.Contains != "" && !strings.Contains(text, m.Contains),
		m.Matches.Regexp != nil && !m.Matches.MatchString(text),
		m.Count != nil && countOf(v) != *m.Count:
		return false
	}
	if m.AtLeast == nil && m.AtMost == nil {
		return true
	}
	n, err := strconv.ParseFloat(text, 64)
	return err == nil && (m.AtLeast == nil || n >= *m.AtLeast) && (m.AtMost == nil || n <= *m.AtMost)
}

// same compares numbers by value, and everything else as text.
func same(want, got string) bool {
	if want == got {
		return true
	}
	a, errA := strconv.ParseFloat(want, 64)
	b, errB := strconv.ParseFloat(got, 64)
	return errA == nil && errB == nil && a == b
}

func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

func countOf(v any) int {
	switch v := v.(type) {
	case []any:
		return len(v)
	case map[string]any:
		return len(v)
	case nil:
		return 0
	}
	return 1
}

// String describes the conditions: "contains \"disk\" and at most 3".
func (m Match) String() string {
	var parts []string
	if m.Equals != nil {
		parts = append(parts, *m.Equals)
	}
	if m.Contains != "" {
		parts = append(parts, fmt.Sprintf("contains %q", m.Contains))
	}
	if m.Matches.Regexp != nil {
		parts = append(parts, "matches "+m.Matches.String())
	}
	if m.Count != nil {
		parts = append(parts, fmt.Sprintf("has %d", *m.Count))
	}
	if m.AtLeast != nil {
		parts = append(parts, "at least "+strconv.FormatFloat(*m.AtLeast, 'f', -1, 64))
	}
	if m.AtMost != nil {
		parts = append(parts, "at most "+strconv.FormatFloat(*m.AtMost, 'f', -1, 64))
	}
	if m.Absent {
		parts = append(parts, "nothing")
	}
	return strings.Join(parts, " and ")
}

func showField(m Match, v any) string {
	switch {
	case v == nil:
		return "is absent"
	case m.Count != nil:
		return fmt.Sprintf("has %d", countOf(v))
	}
	return short(textOf(v))
}

// decode keeps numbers as they are written: an int64 does not fit a float.
func decode(raw json.RawMessage) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

const maxShown = 160

func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= maxShown {
		return s
	}
	cut := maxShown
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}
