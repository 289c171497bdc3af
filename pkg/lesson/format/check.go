package format

import (
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
