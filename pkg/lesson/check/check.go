// Package check looks at the running shop and says whether a goal is reached. It asks the system, and
// never reads what the learner typed: a goal that was reached in another terminal is reached.
//
// One look is a pure function of what the system answers now. What takes time, that a state must hold
// for a while, that looking ends, that one check waits for another, is the business of Goal.
package check

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/lesson/format"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Verdict is what a check says about the system at this moment.
type Verdict string

// Verdicts. Pending is a check that has not been looked at yet, or whose needs do not hold.
const (
	Pending      Verdict = "pending"
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Inconclusive Verdict = "inconclusive" // too few samples, or the service cannot be asked
	Spoiled      Verdict = "spoiled"      // the set-up is broken: only a reset helps
)

// Result is one look.
type Result struct {
	Verdict  Verdict
	Expected string
	Observed string
	// Look is a command that shows the same: the very trace or metric that decided, where there is one.
	Look string
	// Message is what the lesson has to say to exactly this state.
	Message string
	// Evidence is the very thing that decided, for a screen to open.
	Evidence Evidence
}

// Call is a method to call.
type Call struct {
	Service, Method string
	Request         []byte // JSON
	Headers         []string
	// Proto is the path of a file that describes the service; empty: its own word.
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

// Caller calls methods of the shop's services. An error means that the call could not be made; how the
// service answered is the reply.
type Caller interface {
	Call(ctx context.Context, c Call) (Reply, error)
}

// Baseline is the state of the shop when the step began.
type Baseline struct {
	Since time.Time
	// Restarts of each service, by name.
	Restarts map[string]int
}

// Eye looks at a shop.
type Eye struct {
	Shop   Shop
	Caller Caller
	// Tester runs the tests of Go modules; nil where the lesson may not have any run.
	Tester Tester
	// Workspace is where a check's files lie.
	Workspace string
	Now       func() time.Time
}

// Look looks once at what a check asks, at what its set-up must not be and at the states that it has
// something to say to. Answer checks are not looked at: their result is Judge's.
func (e Eye) Look(ctx context.Context, c *format.Check, base Baseline) Result {
	for _, w := range c.SpoiledWhen {
		if w.Observed != nil {
			continue
		}
		if r := e.probe(ctx, w.Probe, base); r.Verdict == Pass {
			return Result{Verdict: Spoiled, Expected: "the set-up of this step", Observed: w.Say, Message: w.Say, Look: lookOf(c, w.Probe), Evidence: r.Evidence}
		}
	}
	r := e.probe(ctx, c.Probe, base)
	if c.Look != "" || r.Look == "" {
		r.Look = lookOf(c, c.Probe)
	}
	if r.Verdict == Pass {
		return r
	}
	for _, w := range c.SpoiledWhen {
		if w.Observed != nil && Matches(*w.Observed, r.Observed) {
			r.Verdict, r.Message = Spoiled, w.Say
			return r
		}
	}
	for _, w := range c.HintWhen {
		if w.Observed != nil && Matches(*w.Observed, r.Observed) || w.Observed == nil && e.probe(ctx, w.Probe, base).Verdict == Pass {
			r.Message = w.Say
			return r
		}
	}
	return r
}

// probe asks once, and says what decided.
func (e Eye) probe(ctx context.Context, p format.Probe, base Baseline) Result {
	if !base.Since.IsZero() {
		p = p.Reach(e.Now().Sub(base.Since))
	}
	r := e.ask(ctx, p, base)
	if r.Evidence == (Evidence{}) {
		r.Evidence = evidenceOf(p)
	}
	return r
}

func (e Eye) ask(ctx context.Context, p format.Probe, base Baseline) Result {
	switch {
	case p.RPC != nil:
		return e.rpc(ctx, p.RPC)
	case p.Instance != nil:
		return e.instance(ctx, p.Instance, base)
	case p.Log != nil:
		return e.log(ctx, p.Log, base)
	case p.PromQL != nil:
		return e.promql(ctx, p.PromQL)
	case p.Trace != nil:
		return e.trace(ctx, p.Trace, base)
	case p.Edge != nil:
		return e.edge(ctx, p.Edge, base)
	case p.Alert != nil:
		return e.alert(ctx, p.Alert, base)
	case p.Resource != nil:
		return e.resource(ctx, p.Resource)
	case p.Order != nil:
		return e.order(ctx, p.Order, base)
	case p.Manifest != nil:
		return e.manifest(p.Manifest)
	case p.GoTest != nil:
		return e.gotest(ctx, p.GoTest)
	}
	return Result{Verdict: Pending}
}

// Baseline notes how the shop is now.
func (e Eye) Baseline(ctx context.Context, now time.Time) (Baseline, error) {
	st, err := e.Shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return Baseline{}, fmt.Errorf("read the shop's state: %w", err)
	}
	base := Baseline{Since: now, Restarts: map[string]int{}}
	for _, s := range st.GetServices() {
		base.Restarts[s.GetName()] = int(s.GetRestarts())
	}
	return base, nil
}
