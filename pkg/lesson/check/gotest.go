package check

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/lesson/format"
)

// GoTest is a run of tests.
type GoTest struct {
	Dir string
	// Run chooses tests; empty: all.
	Run   string
	Limit time.Duration
}

const defaultLimit = time.Minute

// gotest runs the learner's tests.
func (e Eye) gotest(ctx context.Context, want *format.GoTest) Result {
	r := Result{Verdict: Inconclusive, Expected: "the tests pass"}
	if want.Fails {
		r.Expected = "the tests fail"
	}
	if want.Run != "" {
		r.Expected += ", of those called " + want.Run
	}
	if want.Says != "" {
		r.Expected += " and say " + want.Says
	}
	if e.Tester == nil {
		r.Observed = "only lessons that come with shopctl run tests; this one was written elsewhere"
		return r
	}
	t := GoTest{Dir: filepath.Join(e.Workspace, filepath.FromSlash(want.Dir)), Run: want.Run, Limit: want.Limit}
	if t.Limit == 0 {
		t.Limit = defaultLimit
	}
	out, ok, err := e.Tester.Test(ctx, t)
	switch {
	case err != nil:
		r.Observed = err.Error()
		return r
	case ok && strings.Contains(out, "no tests to run"), ok && strings.Contains(out, "[no test files]"):
		r.Verdict, r.Observed = Fail, "there are no such tests yet"
		return r
	}
	r.Verdict = verdict(ok != want.Fails && strings.Contains(out, want.Says))
	r.Evidence = Evidence{Kind: OutputEvidence, Text: out[max(0, len(out)-mostEvidence):]}
	r.Observed = "the tests pass"
	if !ok {
		r.Observed = firstFailure(out)
	}
	return r
}

// mostEvidence bounds the output that a result carries, in bytes: its end says what failed.
const mostEvidence = 8 << 10

// firstFailure is the line of a test's output that says most.
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
