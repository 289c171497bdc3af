package probe

import (
	"path/filepath"
	"time"

	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Manifest is a file in the workspace that the learner writes: it must decode strictly.
type Manifest struct {
	At   strictyaml.Position
	File string `yaml:"file" lesson:"required"`
	// Objects must be in the file.
	Objects []ManifestObject `yaml:"objects"`
}

// ManifestObject is an object that the file must contain.
type ManifestObject struct {
	At     strictyaml.Position
	Kind   string  `yaml:"kind" lesson:"required"`
	Name   string  `yaml:"name"`
	Fields []Field `yaml:"fields"`
}

// Validate implements Probe.
func (m *Manifest) Validate(report Report) {
	if !filepath.IsLocal(m.File) {
		report(m.At, "a manifest check names a file of the workspace, got %q", m.File)
	}
	for _, o := range m.Objects {
		if o.Kind == "" {
			report(o.At, "an object has a kind")
		} else {
			report.kind(o.At, o.Kind)
		}
		report.fields(o.Fields)
	}
}

// ProbeKind implements Probe.
func (*Manifest) ProbeKind() string { return "manifest" }

// NamedServices implements Probe.
func (*Manifest) NamedServices() []Named { return nil }

// Lookback implements Probe.
func (*Manifest) Lookback() time.Duration { return 0 }

// Triggers implements Probe.
func (*Manifest) Triggers() Event { return 0 }
