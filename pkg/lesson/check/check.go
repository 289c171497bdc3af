// Package check evaluates the goals of a lesson against the running shop. It never reads what the learner typed: a
// goal that was reached in another terminal is reached.
//
// One evaluation is a pure function of the shop's present state. [Goal] handles everything that takes time:
// a state that must hold for a while, timeouts, and checks that wait for others.
package check

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Verdict is the outcome of a check at one moment.
type Verdict string

// Verdicts. Pending is a check that has not been evaluated yet, or whose needs do not hold.
const (
	Pending      Verdict = "pending"
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Inconclusive Verdict = "inconclusive" // too few samples, or the service is not reachable
	BrokenSetup  Verdict = "broken_setup" // only a reset helps
)

// Result is the outcome of one evaluation.
type Result struct {
	Verdict  Verdict
	Expected string
	Observed string
	// Look is a command that shows the same: the trace or metric that decided, where there is one.
	Look string
	// Message is the lesson's text for this state.
	Message string
	// Evidence is what the verdict is based on, for a screen to open.
	Evidence Evidence
}

// Call is a method to call.
type Call struct {
	Service, Method string
	Request         []byte // JSON
	Headers         []string
	// Proto is the path of a file that describes the service; empty: its server reflection.
	Proto    string
	Deadline time.Duration
}

// Reply is how a call ended.
type Reply struct {
	Code     codes.Code
	Message  string
	Response json.RawMessage
	Took     time.Duration
}

// Refused is a call that was not made, because the request does not fit the contract.
type Refused struct{ Text string }

func (e *Refused) Error() string { return e.Text }

// Caller calls methods of the shop's services. An error means that the call could not be made; a status of the
// service is part of the reply.
type Caller interface {
	Call(ctx context.Context, c Call) (Reply, error)
}

// Baseline is the state of the shop when the step began.
type Baseline struct {
	Since time.Time
	// Restarts of each service, by name.
	Restarts map[string]int
}

// Prober evaluates probes against a shop.
type Prober struct {
	Shop   Shop
	Caller Caller
	// Tester runs the tests of Go modules; nil for lessons that may not run any.
	Tester Tester
	// Workspace is the directory of the learner's files.
	Workspace string
	Now       func() time.Time
}

// asker evaluates one kind of probe.
type asker interface {
	// evaluate runs the probe once.
	evaluate(ctx context.Context, p Prober, base Baseline) Result
	// command is a command line that shows the same.
	command() string
	// evidence is where the probe looks; a result may have more exact evidence.
	evidence() Evidence
}

// askerOf returns the asker of a probe, nil if there is no probe: the list that a new kind joins.
func askerOf(p probe.Probe) asker {
	switch p := p.(type) {
	case *probe.RPC:
		return rpcAsker{p}
	case *probe.Instance:
		return instanceAsker{p}
	case *probe.Log:
		return logAsker{p}
	case *probe.PromQL:
		return promqlAsker{p}
	case *probe.Trace:
		return traceAsker{p}
	case *probe.Edge:
		return edgeAsker{p}
	case *probe.Alert:
		return alertAsker{p}
	case *probe.Resource:
		return resourceAsker{p}
	case *probe.Order:
		return orderAsker{p}
	case *probe.Manifest:
		return manifestAsker{p}
	case *probe.GoTest:
		return gotestAsker{p}
	}
	return nil
}

// Evaluate runs the check's probe once, then its hint_when conditions; before both, the conditions of a broken setup.
// The result of an answer check is Judge's.
func (p Prober) Evaluate(ctx context.Context, c *format.Check, base Baseline) Result {
	for _, w := range c.BrokenSetup {
		if w.Observed != nil {
			continue
		}
		if r := p.evaluate(ctx, w.Probe, base); r.Verdict == Pass {
			return Result{
				Verdict: BrokenSetup, Expected: "the setup of this step", Observed: w.Say, Message: w.Say,
				Look: suggest(c, askerOf(w.Probe)), Evidence: r.Evidence,
			}
		}
	}
	r := p.evaluate(ctx, c.Probe, base)
	if c.Look != "" || r.Look == "" {
		r.Look = suggest(c, askerOf(c.Probe))
	}
	if r.Verdict == Pass {
		return r
	}
	for _, w := range c.BrokenSetup {
		if w.Observed != nil && matches(*w.Observed, r.Observed) {
			r.Verdict, r.Message = BrokenSetup, w.Say
			return r
		}
	}
	for _, w := range c.HintWhen {
		if w.Observed != nil && matches(*w.Observed, r.Observed) || w.Observed == nil && p.evaluate(ctx, w.Probe, base).Verdict == Pass {
			r.Message = w.Say
			return r
		}
	}
	return r
}

// evaluate runs a probe once, for a step that began at the baseline.
func (p Prober) evaluate(ctx context.Context, question probe.Probe, base Baseline) Result {
	if relative, ok := question.(probe.Relative); ok && !base.Since.IsZero() {
		question = relative.Since(p.Now().Sub(base.Since))
	}
	a := askerOf(question)
	if a == nil {
		return Result{Verdict: Pending}
	}
	r := a.evaluate(ctx, p, base)
	if r.Evidence == (Evidence{}) {
		r.Evidence = a.evidence()
	}
	return r
}

// Baseline records the present state of the shop.
func (p Prober) Baseline(ctx context.Context, now time.Time) (Baseline, error) {
	st, err := p.Shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return Baseline{}, fmt.Errorf("read the shop's state: %w", err)
	}
	base := Baseline{Since: now, Restarts: map[string]int{}}
	for _, s := range st.GetServices() {
		base.Restarts[s.GetName()] = int(s.GetRestarts())
	}
	return base, nil
}
