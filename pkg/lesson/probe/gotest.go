package probe

import (
	"context"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/shellword"
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

const defaultLimit = time.Minute

// Command implements Probe.
func (g *GoTest) Command() string {
	return shellword.Join("go", "test", "./"+path.Join(g.Dir, "..."))
}

// Evidence implements Probe.
func (*GoTest) Evidence() Evidence {
	return Evidence{Kind: OutputEvidence}
}

// Ask implements Probe. It runs the learner's tests.
func (g *GoTest) Ask(ctx context.Context, env Env, _ Baseline) Result {
	r := Result{Verdict: Inconclusive, Expected: "the tests pass"}
	if g.Fails {
		r.Expected = "the tests fail"
	}
	if g.Run != "" {
		r.Expected += ", those named " + g.Run
	}
	if g.Says != "" {
		r.Expected += " and print " + g.Says
	}
	if env.Tester == nil {
		r.Observed = "only built-in lessons can run tests"
		r.Evidence = Evidence{Kind: OutputEvidence, Text: r.Observed}
		return r
	}
	run := TestRun{Dir: filepath.Join(env.Workspace, filepath.FromSlash(g.Dir)), Run: g.Run, Limit: g.Limit}
	if run.Limit == 0 {
		run.Limit = defaultLimit
	}
	out, ok, err := env.Tester.Test(ctx, run)
	if err != nil {
		r.Observed = err.Error()
		r.Evidence = Evidence{Kind: OutputEvidence, Text: r.Observed}
		return r
	}
	r.Evidence = Evidence{Kind: OutputEvidence, Text: out[max(0, len(out)-maxEvidence):]}
	if ok && (strings.Contains(out, "no tests to run") || strings.Contains(out, "[no test files]")) {
		r.Verdict, r.Observed = Fail, "there are no such tests yet"
		return r
	}
	r.Verdict = verdict(ok != g.Fails && strings.Contains(out, g.Says))
	r.Observed = "the tests pass"
	if !ok {
		r.Observed = firstFailure(out)
	}
	return r
}

// maxEvidence bounds the output that a result carries, in bytes: its end says what failed.
const maxEvidence = 8 << 10

// firstFailure is the most telling line of a test's output.
func firstFailure(out string) string {
	best := ""
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		switch {
		case strings.Contains(line, "_test.go:"), strings.Contains(line, ".go:") && strings.Contains(line, ": "):
			return short(line)
		case best == "" && (strings.HasPrefix(line, "--- FAIL") || strings.HasPrefix(line, "panic:")):
			best = line
		case best == "" && line != "" && !strings.HasPrefix(line, "#"):
			best = line
		}
	}
	if best == "" {
		return "the tests fail"
	}
	return short(best)
}
