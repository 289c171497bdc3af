package format

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/shopctl/shopctl/pkg/lazyregexp"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Probe is one question to the system: at most one of the fields is set.
type Probe struct {
	RPC      *RPC      `yaml:"rpc"`
	Instance *Instance `yaml:"instance"`
	Log      *Log      `yaml:"log"`
	PromQL   *PromQL   `yaml:"promql"`
	Trace    *Trace    `yaml:"trace"`
	Edge     *Edge     `yaml:"edge"`
	Alert    *Alert    `yaml:"alert"`
	Resource *Resource `yaml:"resource"`
	Order    *Order    `yaml:"order"`
	Manifest *Manifest `yaml:"manifest"`
	GoTest   *GoTest   `yaml:"gotest"`
}

// ProbeKinds are the names of all probes, in the order in which they are listed for people.
func ProbeKinds() []string {
	return []string{"rpc", "instance", "log", "promql", "trace", "edge", "alert", "resource", "order", "manifest", "gotest"}
}

// kinds returns the names of the probes that are set.
func (p Probe) kinds() []string {
	var set []string
	for i, is := range []bool{
		p.RPC != nil, p.Instance != nil, p.Log != nil, p.PromQL != nil, p.Trace != nil, p.Edge != nil,
		p.Alert != nil, p.Resource != nil, p.Order != nil, p.Manifest != nil, p.GoTest != nil,
	} {
		if is {
			set = append(set, ProbeKinds()[i])
		}
	}
	return set
}

// Kind names the probe: "rpc", "promql"; empty if none is set.
func (p Probe) Kind() string { return strings.Join(p.kinds(), " ") }

// Bound is a condition on a number; all that is set must hold. A number alone means equals.
type Bound struct {
	At strictyaml.Position
	BoundFields
}

// BoundFields are what a Bound is written with.
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

// Empty tells whether the bound asks for nothing.
func (b BoundFields) Empty() bool {
	return b.Above == nil && b.Below == nil && b.AtLeast == nil && b.AtMost == nil && b.Equals == nil
}

// Holds tells whether a number is within the bound. NaN is within none.
func (b BoundFields) Holds(x float64) bool {
	return x == x &&
		(b.Above == nil || x > *b.Above) && (b.Below == nil || x < *b.Below) &&
		(b.AtLeast == nil || x >= *b.AtLeast) && (b.AtMost == nil || x <= *b.AtMost) &&
		(b.Equals == nil || x == *b.Equals)
}

// String says what is wanted: "above 2 and below 4".
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

// Holds tells whether a duration is within the bounds.
func (w Within) Holds(d time.Duration) bool {
	return d > w.Above && (w.Below == 0 || d < w.Below) || w == Within{}
}

// String says what is wanted: "more than 1s and less than 2s"; empty if nothing is.
func (w Within) String() string {
	var parts []string
	if w.Above > 0 {
		parts = append(parts, "more than "+w.Above.String())
	}
	if w.Below > 0 {
		parts = append(parts, "less than "+w.Below.String())
	}
	return strings.Join(parts, " and ")
}

// named is a service that is named at a place.
type named struct {
	name string
	at   strictyaml.Position
}

// services returns the services that the probe names.
func (p Probe) services() []named {
	switch {
	case p.RPC != nil:
		return []named{{p.RPC.Service, p.RPC.At}}
	case p.Instance != nil:
		return []named{{p.Instance.Service, p.Instance.At}}
	case p.Log != nil:
		return []named{{p.Log.Service, p.Log.At}}
	case p.Edge != nil:
		return []named{{p.Edge.Caller, p.Edge.At}, {p.Edge.Callee, p.Edge.At}}
	case p.Trace != nil:
		return p.Trace.named()
	}
	return nil
}

func (t *Trace) named() []named {
	all := []named{{t.Service, t.At}}
	for _, list := range []Strings{t.Services, t.Without} {
		for _, name := range list {
			all = append(all, named{name, t.At})
		}
	}
	for _, s := range t.Spans {
		all = append(all, named{s.Service, s.At})
		if s.Parent != nil {
			all = append(all, named{s.Parent.Service, s.Parent.At})
		}
	}
	return all
}

// ranges are the windows of an expression: [30s].
var ranges = lazyregexp.New(`\[(\d+(?:ms|s|m|h))`)

// Window is how far back the probe looks, so that what was repaired may take as long to show.
func (p Probe) Window() time.Duration {
	switch {
	case p.Edge != nil:
		return cmp.Or(p.Edge.Window, 30*time.Second)
	case p.Order != nil:
		return p.Order.Window
	case p.PromQL != nil:
		longest := time.Duration(0)
		for _, m := range ranges().FindAllStringSubmatch(p.PromQL.Expr, -1) {
			if d, err := time.ParseDuration(m[1]); err == nil {
				longest = max(longest, d)
			}
		}
		return longest
	case p.Alert != nil:
		return time.Minute
	}
	return 0
}
