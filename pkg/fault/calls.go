package fault

import (
	"fmt"
	"math"
	"slices"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/rpc/code"
)

// Calls makes calls fail or take longer. The instances of the called service do that themselves, in their chassis, by
// the rules that they receive over the lifeline.
type Calls struct {
	deliver func(workload string, rules []lifeline.Fault)
}

// NewCalls returns the injector of faults in calls. deliver replaces the rules of a workload's instances, those that start
// later included; an empty list, which is never nil, ends them. It must not wait for anything that itself injects or
// clears faults.
func NewCalls(deliver func(workload string, rules []lifeline.Fault)) *Calls { return &Calls{deliver} }

// Plan implements Injector.
func (*Calls) Plan(s Spec, t Target) (Fault, bool, error) {
	if s.once() || s.Pause || s.wire() || s.client() {
		return Fault{}, false, nil
	}
	if err := s.checkChassis(t); err != nil {
		return Fault{}, false, err
	}
	f, err := s.call(t)
	return f, true, err
}

// Begin implements Injector.
func (c *Calls) Begin(f Fault, active []Fault) error {
	c.replace(f.Workload, active)
	return nil
}

// End implements Injector.
func (c *Calls) End(f Fault, _ Kind, left []Fault) error {
	c.replace(f.Workload, left)
	return nil
}

func (c *Calls) replace(workload string, active []Fault) {
	rules := make([]lifeline.Fault, 0, len(active))
	for _, f := range active {
		rules = append(rules, f.rule())
	}
	c.deliver(workload, rules)
}

// rule is the fault as the instances of the workload receive it.
func (f Fault) rule() lifeline.Fault {
	rule := lifeline.Fault{ID: f.ID, Module: f.Module, Method: f.fullMethod, Percent: f.Percent, Delay: f.Delay, Director: f.Director}
	if f.Code != codes.OK {
		rule.Code = code.Name(f.Code)
	}
	return rule
}

// checkChassis refuses targets whose calls the chassis cannot fail.
func (s Spec) checkChassis(t Target) error {
	switch {
	case t.Protocol == "tcp":
		return t.speaksTCP()
	case !t.Chassis:
		return &Invalid{Text: fmt.Sprintf("%s is not a built-in service: only a sidecar can make its calls fail or wait, and it has none; --crash and --pause work without", t.Name), Hint: "shopctl mesh on " + t.Name}
	}
	return nil
}

func (t Target) speaksTCP() error {
	return &Invalid{
		Text: fmt.Sprintf("%s speaks TCP, so single calls cannot be recognized", t.Name),
		Hint: fmt.Sprintf("shopctl fault inject %s --pause --for 10s", t.Name),
	}
}

// call returns the fault in calls that a spec asks for.
func (s Spec) call(t Target) (Fault, error) {
	if err := s.checkCall(); err != nil {
		return Fault{}, err
	}
	f := s.begin(t)
	var err error
	if s.Error != "" {
		if f.Code, err = parseCode(s.Error); err != nil {
			return Fault{}, err
		}
	}
	if f.Method, f.fullMethod, err = t.method(s.Method); err != nil {
		return Fault{}, err
	}
	f.Percent = s.Percent
	if f.Percent == 0 {
		f.Percent = 100
	}
	if f.Code == codes.OK && f.Delay == 0 && f.Director == "" {
		return Fault{}, &Invalid{
			Text: "the fault has no effect: give an error, a delay, crash or pause",
			Hint: "use --error CODE, --delay DURATION, --crash or --pause",
		}
	}
	return f, nil
}

func (s Spec) checkCall() error {
	switch {
	case s.Percent < 0 || s.Percent > 100 || math.IsNaN(s.Percent):
		return &Invalid{Text: fmt.Sprintf("percent %g is not above 0 and at most 100", s.Percent), Hint: "use --percent 50 for half of the calls"}
	case s.Delay < 0:
		return &Invalid{Text: fmt.Sprintf("delay %s is below zero", s.Delay), Hint: "use --delay 500ms"}
	case s.Delay > MaxDelay:
		return &Invalid{Text: fmt.Sprintf("delay %s is above %s", s.Delay, MaxDelay), Hint: "use --delay 5s, which is longer than every deadline in the shop, or --pause"}
	}
	return nil
}

// of returns the faults of an injector in one workload.
func of(owner Injector, workload string, active []entry) []Fault {
	var faults []Fault
	for _, e := range active {
		if e.owner == owner && e.Workload == workload {
			faults = append(faults, e.Fault)
		}
	}
	return slices.Clip(faults)
}
