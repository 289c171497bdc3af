package probe

import (
	"path/filepath"
	"time"

	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// GoTest runs the tests of a Go module in the workspace. Only lessons that come with shopctl may: those
// of others execute nothing.
type GoTest struct {
	At strictyaml.Position
	// Dir is the module's directory; default the workspace itself.
	Dir string `yaml:"dir"`
	// Run chooses tests by name, as go test -run does.
	Run string `yaml:"run"`
	// Fails expects the tests to fail, as one that catches a bug does; Says must then be part of their output.
	Fails bool   `yaml:"fails"`
	Says  string `yaml:"says"`
	// Limit ends the tests; default 60 s.
	Limit time.Duration `yaml:"limit"`
}

// longestTest keeps a probe short.
const longestTest = 5 * time.Minute

// Validate implements Probe.
func (g *GoTest) Validate(report Report) {
	if g.Dir != "" && !filepath.IsLocal(g.Dir) {
		report(g.At, "dir is a directory of the workspace, got %q", g.Dir)
	}
	if g.Limit > longestTest {
		report(g.At, "a limit of %s is too long for a check, want at most %s", g.Limit, longestTest)
	}
	if g.Says != "" && !g.Fails {
		report(g.At, "says is for tests that fail: add fails: true")
	}
}

// ProbeKind implements Probe.
func (*GoTest) ProbeKind() string { return "gotest" }

// NamedServices implements Probe.
func (*GoTest) NamedServices() []Named { return nil }

// Lookback implements Probe.
func (*GoTest) Lookback() time.Duration { return 0 }

// Triggers implements Probe.
func (*GoTest) Triggers() Event { return 0 }
