package probe

import (
	"math"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Bound is a condition on a number; all conditions that are set must hold. A bare number means equals.
type Bound struct {
	At strictyaml.Position
	BoundFields
}

// BoundFields are the keys of a Bound.
type BoundFields struct {
	Above   *float64 `yaml:"above"`
	Below   *float64 `yaml:"below"`
	AtLeast *float64 `yaml:"at_least"`
	AtMost  *float64 `yaml:"at_most"`
	Equals  *float64 `yaml:"equals"`
}

// DecodeNode reads 3 or {above: 2, below: 4}.
func (b *Bound) DecodeNode(n *yaml.Node) error {
	b.At = strictyaml.Position{Line: n.Line, Column: n.Column}
	if n.Kind == yaml.ScalarNode {
		return strictyaml.Into(n, &b.Equals)
	}
	return strictyaml.Into(n, &b.BoundFields)
}

// empty reports whether no condition is set.
func (b BoundFields) empty() bool {
	return b.Above == nil && b.Below == nil && b.AtLeast == nil && b.AtMost == nil && b.Equals == nil
}

// Holds reports whether a number is within the bound. NaN never is.
func (b BoundFields) Holds(x float64) bool {
	return x == x &&
		(b.Above == nil || x > *b.Above) && (b.Below == nil || x < *b.Below) &&
		(b.AtLeast == nil || x >= *b.AtLeast) && (b.AtMost == nil || x <= *b.AtMost) &&
		(b.Equals == nil || x == *b.Equals)
}

// String describes the condition: "above 2 and below 4".
func (b BoundFields) String() string {
	var parts []string
	for _, part := range []struct {
		words string
		value *float64
	}{{"", b.Equals}, {"above ", b.Above}, {"below ", b.Below}, {"at least ", b.AtLeast}, {"at most ", b.AtMost}} {
		if part.value != nil {
			parts = append(parts, part.words+strconv.FormatFloat(*part.value, 'g', -1, 64))
		}
	}
	return strings.Join(parts, " and ")
}

// Within bounds a duration.
type Within struct {
	Above time.Duration `yaml:"above"`
	Below time.Duration `yaml:"below"`
}

// Holds reports whether a duration is within the bounds.
func (w Within) Holds(d time.Duration) bool {
	return d > w.Above && (w.Below == 0 || d < w.Below) || w == Within{}
}

// String describes the bounds: "more than 1s and less than 2s"; empty if there are none.
func (w Within) String() string {
	var parts []string
	if w.Above > 0 {
		parts = append(parts, "more than "+humanize.Span(w.Above))
	}
	if w.Below > 0 {
		parts = append(parts, "less than "+humanize.Span(w.Below))
	}
	return strings.Join(parts, " and ")
}

// figure is a number with as many digits as people can use.
func figure(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e9 {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}
