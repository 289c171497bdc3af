package format

import (
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/shopctl/shopctl/pkg/lesson/probe"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Check is a goal: exactly one probe that reads it from the system, or an Answer.
type Check struct {
	At    strictyaml.Position
	ID    string `yaml:"id" lesson:"required"`
	Title string `yaml:"title" lesson:"required"`
	// Look is a command that shows what the check found; each kind has its own default.
	Look      string `yaml:"look"`
	probe.One `yaml:",inline"`
	// Answer is a question about what the learner found out.
	Answer *Answer `yaml:"answer"`
	// For is how long the check must hold without a break.
	For time.Duration `yaml:"for"`
	// Timeout ends the evaluation, until the learner asks for it again.
	Timeout time.Duration `yaml:"timeout"`
	// Needs are checks that must have passed before this one is evaluated.
	Needs []Need `yaml:"needs"`
	// HintWhen has a hint for each known wrong state of the system.
	HintWhen []When `yaml:"hint_when"`
	// BrokenSetup recognizes a setup that only a reset can repair.
	BrokenSetup []When `yaml:"broken_setup" alias:"spoiled_when"`
	// Also are further probes that must pass together with the check's own: that the service does its work, that customers
	// come, that the object meant was changed. Each says what is missing while it does not pass.
	Also []When `yaml:"also"`
	// Allows are the ways to cheat, of those that lesson test plays, that are an honest repair of this goal.
	Allows []Allow `yaml:"allows"`
}

// States are all states for which the check has a message.
func (c Check) States() []When { return slices.Concat(c.HintWhen, c.BrokenSetup, c.Also) }

// Lookback is how far back the check looks: after a repair it may take that long until it passes.
func (c Check) Lookback() time.Duration {
	longest := c.One.Lookback()
	for _, w := range c.Also {
		longest = max(longest, w.Lookback())
	}
	return longest
}

// Allow is a way to cheat that is no cheat for one goal, and why.
type Allow struct {
	At      strictyaml.Position
	Cheat   Cheat  `yaml:"cheat" lesson:"required"`
	Because string `yaml:"because" lesson:"required"`
}

// Cheat is a way to reach a goal without what it is about. Package cheat finds and verify plays them.
type Cheat string

// Ways to cheat.
const (
	CheatScale    Cheat = "scale"    // a service of the goal has no replicas
	CheatStop     Cheat = "stop"     // it is stopped
	CheatDelete   Cheat = "delete"   // its Deployment is deleted
	CheatIdle     Cheat = "idle"     // the load is stopped
	CheatSlow     Cheat = "slow"     // hardly anybody comes
	CheatSilence  Cheat = "silence"  // a service of the goal sends no telemetry
	CheatConstant Cheat = "constant" // a rule says a number
	CheatReapply  Cheat = "reapply"  // objects are deleted and applied again
	CheatWeaken   Cheat = "weaken"   // the fault of the experiment hits few calls
	CheatClear    Cheat = "clear"    // it is cleared, although it is not what is to be repaired
)

// Values returns all ways.
func (Cheat) Values() []string {
	return []string{
		string(CheatScale), string(CheatStop), string(CheatDelete), string(CheatIdle), string(CheatSlow),
		string(CheatSilence), string(CheatConstant), string(CheatReapply), string(CheatWeaken), string(CheatClear),
	}
}

// Kind names the check: that of its probe, or "answer".
func (c Check) Kind() string {
	if c.Answer != nil {
		return "answer"
	}
	return c.ProbeKind()
}

// Need is another check of the same step, and what was observed there, if that matters.
type Need struct {
	Check string
	// Observed must be part of what that check observed; empty: it is enough that it passed.
	Observed string
}

// DecodeNode reads "id" or {check: id, observed: text}.
func (n *Need) DecodeNode(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		n.Check = node.Value
		return nil
	}
	var long struct {
		Check    string `yaml:"check"`
		Observed string `yaml:"observed"`
	}
	if err := strictyaml.Into(node, &long); err != nil {
		return err
	}
	n.Check, n.Observed = long.Check, long.Observed
	return nil
}

// When is a state and what to say about it: either a match on what the check itself observed, or a probe.
type When struct {
	At        strictyaml.Position
	Observed  *probe.Match `yaml:"observed"`
	probe.One `yaml:",inline"`
	Say       string `yaml:"say" lesson:"required"`
}

// Answer is a question about what the learner found out.
type Answer struct {
	At        strictyaml.Position
	Question  string     `yaml:"question" lesson:"required"`
	Kind      AnswerKind `yaml:"kind" lesson:"required"`
	Unit      string     `yaml:"unit"`
	Accept    []string   `yaml:"accept"`
	Tolerance float64    `yaml:"tolerance"`
	Options   []Option   `yaml:"options"`
	// Right and Otherwise reply to a right answer and to one that no entry of Wrong lists.
	Right     string  `yaml:"right"`
	Wrong     []Wrong `yaml:"wrong"`
	Otherwise string  `yaml:"otherwise"`
}

// Wrong is a mistake that people make, and the reply to it.
type Wrong struct {
	At    strictyaml.Position
	Given probe.Strings `yaml:"given" lesson:"required"`
	Say   string        `yaml:"say" lesson:"required"`
}
