package format

import (
	"time"

	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Resource compares fields of an applied object.
type Resource struct {
	At        strictyaml.Position
	Kind      string `yaml:"kind"`
	Name      string `yaml:"name"`
	Namespace string `yaml:"namespace"`
	// Fields are paths from the object's top: spec.replicas.
	Fields []Field `yaml:"fields"`
	// Absent wants that there is no such object.
	Absent bool `yaml:"absent"`
}

// Order holds the shop's books against each other: each charge since the step began is an order that
// was placed or money that was given back. It reads the logs of payment and checkout, which name each
// charge by its transaction.
type Order struct {
	At strictyaml.Position
	// Window counts the last so long only; default: since the step began.
	Window time.Duration `yaml:"window"`
	// Charges, Orders and Refunds bound how many there were.
	Charges *Bound `yaml:"charges"`
	Orders  *Bound `yaml:"orders"`
	Refunds *Bound `yaml:"refunds"`
	// Lost are charges without an order or a refund; default 0.
	Lost *Bound `yaml:"lost"`
}

// Manifest is a file in the workspace that the learner writes: it must decode strictly.
type Manifest struct {
	At   strictyaml.Position
	File string `yaml:"file"`
	// Objects must be in the file.
	Objects []ManifestObject `yaml:"objects"`
}

// ManifestObject is an object that a file must hold.
type ManifestObject struct {
	At     strictyaml.Position
	Kind   string  `yaml:"kind"`
	Name   string  `yaml:"name"`
	Fields []Field `yaml:"fields"`
}

// GoTest runs the tests of a Go module in the workspace. Only lessons that come with shopctl may: those
// of others execute nothing.
type GoTest struct {
	At strictyaml.Position
	// Dir is the module's directory; default the workspace itself.
	Dir string `yaml:"dir"`
	// Run chooses tests by name, as go test -run does.
	Run string `yaml:"run"`
	// Fails wants the tests to fail, as one that catches a bug does; Says must then be in what they print.
	Fails bool   `yaml:"fails"`
	Says  string `yaml:"says"`
	// Limit ends the tests; default 60 s.
	Limit time.Duration `yaml:"limit"`
}
