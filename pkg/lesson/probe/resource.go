package probe

import (
	"time"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Resource compares fields of an applied object.
type Resource struct {
	At        strictyaml.Position
	Kind      string `yaml:"kind" lesson:"required"`
	Name      string `yaml:"name" lesson:"required"`
	Namespace string `yaml:"namespace"`
	// Fields are paths from the object's top: spec.replicas.
	Fields []Field `yaml:"fields"`
	// Absent holds when there is no such object.
	Absent bool `yaml:"absent"`
}

// Validate implements Probe.
func (o *Resource) Validate(report Report) {
	if o.Kind == "" || o.Name == "" {
		report(o.At, "a resource check names kind and name")
	} else {
		report.kind(o.At, o.Kind)
	}
	if o.Absent && len(o.Fields) > 0 {
		report(o.At, "absent cannot be combined with fields")
	}
	report.fields(o.Fields)
}

// kind reports a kind of object that the shop does not know.
func (report Report) kind(at strictyaml.Position, kind string) {
	if _, err := resource.LookupKind(kind); err != nil {
		report(at, "%s", err)
	}
}

// ProbeKind implements Probe.
func (*Resource) ProbeKind() string { return "resource" }

// NamedServices implements Probe.
func (*Resource) NamedServices() []Named { return nil }

// Lookback implements Probe.
func (*Resource) Lookback() time.Duration { return 0 }

// Triggers implements Probe.
func (*Resource) Triggers() Event { return StateChanged }
