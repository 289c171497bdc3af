package delivery

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Phase is where a canary stands.
type Phase string

// The phases. The last three are the end.
const (
	Starting   Phase = "starting" // the new release gets no calls until the routes are in force and it is ready
	Running    Phase = "running"
	Paused     Phase = "paused" // the weights stay
	Promoted   Phase = "promoted"
	RolledBack Phase = "rolled back"
	Aborted    Phase = "aborted"
)

// Plan says what a canary is to do.
type Plan struct {
	// Service is the name for people, Host the name of the Service.
	Service string `json:"service"`
	Host    string `json:"host"`
	// From and To are versions, by the label of pods.
	From string `json:"from"`
	To   string `json:"to"`
	// Steps are rising percentages of the calls; the last is 100.
	Steps []int  `json:"steps"`
	Check string `json:"check"`
	// Hold is the least time of a step. One that is not decided within Deadline pauses the canary.
	Hold     time.Duration `json:"hold"`
	Deadline time.Duration `json:"deadline"`
	// Image is what the new release is made from; empty: it is there.
	Image string `json:"image,omitempty"`
}

// The parts of a plan that need not be given.
const (
	DefaultHold     = 10 * time.Second
	DefaultDeadline = 10 * time.Minute
)

// DefaultSteps are the shares of a canary without others.
func DefaultSteps() []int { return []int{5, 25, 50, 100} }

// CheckSteps returns an error unless the steps rise from 1 at least to 100.
func CheckSteps(steps []int) error {
	last := 0
	for _, s := range steps {
		if s <= last || s > 100 {
			return fmt.Errorf("read steps %v: want rising percentages from 1 to 100", steps)
		}
		last = s
	}
	if last != 100 || len(steps) > 20 {
		return fmt.Errorf("read steps %v: want at most 20 steps, the last of them 100", steps)
	}
	return nil
}

// Canary is a plan and how far it has come. It is a value: Next and the verbs return another one.
type Canary struct {
	Plan
	Phase Phase `json:"phase"`
	// Reason is why it is paused, or has ended.
	Reason string `json:"reason,omitempty"`
	// Step counts from 1; 0 before the first.
	Step int `json:"step"`
	// Since is when the step or the phase began.
	Since time.Time `json:"since"`
	// Findings are those of the step that ended it.
	Findings []Finding `json:"findings,omitempty"`
	// Passed are the steps that were fine, in their order.
	Passed []Passed `json:"passed,omitempty"`
}

// Passed is a step that was fine.
type Passed struct {
	Weight   int           `json:"weight"`
	Took     time.Duration `json:"took"`
	Findings []Finding     `json:"findings"`
}

// Begin is the canary of a plan before its first step.
func Begin(plan Plan, now time.Time) Canary {
	return Canary{Plan: plan, Phase: Starting, Since: now}
}

// Over reports whether the canary has ended.
func (c Canary) Over() bool {
	return c.Phase == Promoted || c.Phase == RolledBack || c.Phase == Aborted
}

// at reports whether the canary stands where another one does.
func (c Canary) at(other Canary) bool {
	return c.Phase == other.Phase && c.Step == other.Step && c.Since.Equal(other.Since)
}

// Weight is the percentage of the calls that the new release is to get.
func (c Canary) Weight() int {
	switch {
	case c.Phase == Promoted:
		return 100
	case c.Phase == RolledBack || c.Phase == Aborted || c.Step == 0:
		return 0
	}
	return c.Steps[min(c.Step, len(c.Steps))-1]
}

// Observation is what is seen of a canary at a time.
type Observation struct {
	// InForce: every sidecar has the routes and the endpoints that there are.
	InForce bool
	// Ready counts the instances of the new release that may be called.
	Ready int
	// Foreign says how the weights differ from those that the canary has set; empty if they do not.
	Foreign string
	// Findings are those of the calls since the step began.
	Findings []Finding
}

// Next is what a canary becomes with an observation; the same if there is nothing to do.
func (c Canary) Next(now time.Time, o Observation) Canary {
	late := now.Sub(c.Since) >= c.Deadline
	switch {
	case c.Over() || c.Phase == Paused:
		return c
	case o.Foreign != "":
		return c.enter(Paused, "its weights were changed by another hand: "+o.Foreign, now)
	case c.Phase == Starting && o.InForce && o.Ready > 0:
		c = c.enter(Running, "", now)
		if c.Step == 0 {
			c.Step = 1
		}
		return c
	case c.Phase == Starting && late:
		return c.enter(Paused, fmt.Sprintf("no instance of %s was ready within %s", c.To, c.Deadline), now)
	case c.Phase == Starting:
		return c
	case o.Ready == 0:
		return c.enter(RolledBack, "no instance of "+c.To+" is ready", now)
	}
	for _, f := range o.Findings {
		if f.Verdict == Worse {
			c.Findings = o.Findings
			return c.enter(RolledBack, fmt.Sprintf("%s at %d%%: %s", f.Criterion, c.Weight(), f.Because), now)
		}
	}
	fine := !slices.ContainsFunc(o.Findings, func(f Finding) bool { return f.Verdict != Fine })
	switch {
	case fine && now.Sub(c.Since) >= c.Hold:
		return c.pass(now, o.Findings)
	case !fine && late:
		c.Findings = o.Findings
		return c.enter(Paused, fmt.Sprintf("step %d is not decided after %s", c.Step, c.Deadline), now)
	}
	return c
}

// pass ends a step that was fine.
func (c Canary) pass(now time.Time, findings []Finding) Canary {
	c.Passed = append(slices.Clone(c.Passed), Passed{Weight: c.Weight(), Took: now.Sub(c.Since), Findings: findings})
	if c.Step == len(c.Steps) {
		c.Findings = findings
		return c.enter(Promoted, "every step was fine", now)
	}
	c.Step++
	c.Since = now
	return c
}

func (c Canary) enter(p Phase, reason string, now time.Time) Canary {
	c.Phase, c.Reason, c.Since = p, reason, now
	return c
}

// Baseline are the last counts of the old release for a criterion, of a step that was passed; for a step in which it gets no
// calls.
func (c Canary) Baseline(criterion string) Counts {
	for _, p := range slices.Backward(c.Passed) {
		for _, f := range p.Findings {
			if f.Criterion == criterion && f.Old.Calls > 0 {
				return f.Old
			}
		}
	}
	return Counts{}
}

// ErrOver is why a canary that has ended cannot be steered.
var ErrOver = errors.New("it has ended")

// Pause keeps the weights as they are.
func (c Canary) Pause(now time.Time) (Canary, error) {
	if c.Over() || c.Phase == Paused {
		return c, c.not("paused")
	}
	return c.enter(Paused, "you paused it", now), nil
}

// Resume goes on with the step that was paused, and counts from scratch.
func (c Canary) Resume(now time.Time) (Canary, error) {
	if c.Phase != Paused {
		return c, c.not("resumed")
	}
	c.Findings = nil
	return c.enter(Starting, "", now), nil
}

// Promote gives the new release all calls at once, unjudged.
func (c Canary) Promote(now time.Time) (Canary, error) {
	if c.Over() {
		return c, c.not("promoted")
	}
	return c.enter(Promoted, "you promoted it", now), nil
}

// Abort gives the old release all calls again.
func (c Canary) Abort(now time.Time) (Canary, error) {
	if c.Over() {
		return c, c.not("aborted")
	}
	return c.enter(Aborted, "you aborted it", now), nil
}

func (c Canary) not(done string) error {
	err := fmt.Errorf("the canary of %s cannot be %s: it is %s", c.Service, done, c.Phase)
	if c.Over() {
		err = fmt.Errorf("the canary of %s cannot be %s: %w (%s)", c.Service, done, ErrOver, c.Phase)
	}
	return err
}

// Annotation is the annotation of a VirtualService that holds its canary.
const Annotation = "shopctl/canary"

// Encode is the canary as the annotation holds it.
func (c Canary) Encode() (string, error) {
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // people read it
	if err := e.Encode(c); err != nil {
		return "", fmt.Errorf("write the canary of %s: %w", c.Service, err)
	}
	return strings.TrimSpace(text.String()), nil
}

// Decode reads what Encode wrote.
func Decode(text string) (Canary, error) {
	var c Canary
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return c, fmt.Errorf("read annotation %s: %w", Annotation, err)
	}
	_, err := ParseCheck(c.Check)
	if err = errors.Join(CheckSteps(c.Steps), err); err != nil || c.Step < 0 || c.Step > len(c.Steps) {
		return c, errors.Join(fmt.Errorf("read annotation %s: it is not one that a canary wrote", Annotation), err)
	}
	return c, nil
}
