package check

import (
	"context"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/lesson/probe"
)

// GoTest is a run of tests.
type GoTest struct {
	Dir string
	// Run chooses tests; empty: all.
	Run   string
	Limit time.Duration
}

const defaultLimit = time.Minute

// gotestAsker evaluates probe.GoTest.
type gotestAsker struct{ *probe.GoTest }

func (a gotestAsker) command() string {
	return "go test ./" + path.Join(a.Dir, "...")
}

func (gotestAsker) evidence() Evidence {
	return Evidence{Kind: OutputEvidence}
}

// evaluate runs the learner's tests.
func (a gotestAsker) evaluate(ctx context.Context, p Prober, _ Baseline) Result {
	want := a.GoTest
	r := Result{Verdict: Inconclusive, Expected: "the tests pass"}
	if want.Fails {
		r.Expected = "the tests fail"
	}
	if want.Run != "" {
		r.Expected += ", those named " + want.Run
	}
	if want.Says != "" {
		r.Expected += " and print " + want.Says
	}
	if p.Tester == nil {
		r.Observed = "only built-in lessons can run tests"
		r.Evidence = Evidence{Kind: OutputEvidence, Text: r.Observed}
		return r
	}
	t := GoTest{Dir: filepath.Join(p.Workspace, filepath.FromSlash(want.Dir)), Run: want.Run, Limit: want.Limit}
	if t.Limit == 0 {
		t.Limit = defaultLimit
	}
	out, ok, err := p.Tester.Test(ctx, t)
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
	r.Verdict = verdict(ok != want.Fails && strings.Contains(out, want.Says))
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
