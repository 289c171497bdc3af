package probe

import (
	"regexp"
	"strings"

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
