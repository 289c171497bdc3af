// Package probe defines the questions that a lesson's checks ask about the running shop: how each is written in YAML,
// what makes it valid, what its result depends on, and how it is asked. Package check evaluates checks with them.
//
// A kind of probe is a file here, with its struct and methods, and an entry in [All]. Nothing else names the kinds.
package probe

import (
	"context"
	"reflect"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Probe is one question to the running shop.
type Probe interface {
	Definition
	Question
}

// Definition is how a probe is written in a lesson. The names of the methods leave the obvious ones to fields.
type Definition interface {
	// ProbeKind is the key in a check: "rpc".
	ProbeKind() string
	// NamedServices are the services that the probe names; an empty name is ignored.
	NamedServices() []Named
	// Lookback is how far back the probe looks: after a repair it may take that long until the effect shows.
	Lookback() time.Duration
	// Triggers are the events that may change the result. A probe without any is evaluated every second.
	Triggers() Event
	// Validate reports what would keep the probe from being evaluated.
	Validate(report Report)
}

// Question is how a probe is asked. It depends on nothing but the present state of the shop and what is written.
type Question interface {
	// Ask asks once, for a step that began at the baseline.
	Ask(ctx context.Context, env Env, base Baseline) Result
	// Command is a command line that shows the same.
	Command() string
	// Evidence is where the probe looks; a result may have more exact evidence.
	Evidence() Evidence
}

// All returns an empty probe of each kind, in the order in which they are shown: the list that a new kind joins.
func All() []Probe {
	return []Probe{
		&RPC{}, &Instance{}, &Log{}, &PromQL{}, &Trace{}, &Edge{}, &Mesh{}, &TLS{}, &Alert{}, &Resource{}, &Order{}, &Manifest{}, &GoTest{},
	}
}

// Kinds returns the names of all kinds.
func Kinds() []string {
	var names []string
	for _, p := range All() {
		names = append(names, p.ProbeKind())
	}
	return names
}

// Relative is a probe whose question depends on the time since the step began.
type Relative interface {
	// Since returns the probe for a step that began that long ago.
	Since(elapsed time.Duration) Probe
}

// Translatable is a probe with texts for people.
type Translatable interface {
	// Clone returns a copy whose texts can be replaced.
	Clone() Probe
	// Texts are the probe's own texts.
	Texts() []Text
}

// Text is a text for people in a probe.
type Text struct {
	// Key is its path in the probe's YAML: "unit".
	Key  string
	Text *string
	// Optional texts need no translation: ms is ms everywhere.
	Optional bool
}

// Report reports a mistake at its place.
type Report func(at strictyaml.Position, format string, args ...any)

// Named is a service name and where it is written.
type Named struct {
	Name string
	At   strictyaml.Position
}

// Event is a set of things that happen in the shop.
type Event uint8

// Events.
const (
	StateChanged   Event = 1 << iota // of an instance, a fault or an object
	LineWritten                      // a log line
	TraceEnded                       // all spans of a trace have arrived
	MetricsScraped                   // of all instances
)

// One is the probe of a mapping, whose key is the kind.
type One struct {
	// Probe is nil if there is none.
	Probe Probe
	// further counts additional probes, which are a mistake.
	further int
}

// Keys implements strictyaml.Keyed.
func (*One) Keys() []strictyaml.Field {
	var keys []strictyaml.Field
	for _, p := range All() {
		keys = append(keys, strictyaml.Field{Name: p.ProbeKind(), Type: reflect.TypeOf(p)})
	}
	return keys
}

// DecodeKey implements strictyaml.Keyed.
func (o *One) DecodeKey(key string, n *yaml.Node) error {
	for _, p := range All() {
		if p.ProbeKind() != key {
			continue
		}
		if o.Probe == nil {
			o.Probe = p
		} else {
			o.further++
		}
		return strictyaml.Into(n, p)
	}
	return strictyaml.At(n, "unknown kind %q%s", key, strictyaml.DidYouMean(key, Kinds()))
}

// Count is how many probes were given.
func (o *One) Count() int {
	if o.Probe == nil {
		return 0
	}
	return 1 + o.further
}

// ProbeKind is the kind of the probe, empty if there is none.
func (o *One) ProbeKind() string {
	if o.Probe == nil {
		return ""
	}
	return o.Probe.ProbeKind()
}

// Lookback is that of the probe, 0 if there is none.
func (o *One) Lookback() time.Duration {
	if o.Probe == nil {
		return 0
	}
	return o.Probe.Lookback()
}

// Triggers are those of the probe.
func (o *One) Triggers() Event {
	if o.Probe == nil {
		return 0
	}
	return o.Probe.Triggers()
}
