package format

import (
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/rpc/code"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Check is a goal: exactly one probe that reads it off the system, or an Answer.
type Check struct {
	At    strictyaml.Position
	ID    string `yaml:"id"`
	Title string `yaml:"title"`
	// Look is a command that shows what the check saw; each kind has its own default.
	Look  string `yaml:"look"`
	Probe `yaml:",inline"`
	// Answer is what the learner found out.
	Answer *Answer `yaml:"answer"`
	// For is how long the check must hold without a break.
	For time.Duration `yaml:"for"`
	// Timeout ends looking; the learner can have it looked at again.
	Timeout time.Duration `yaml:"timeout"`
	// Needs are checks that must have passed before this one is looked at.
	Needs []Need `yaml:"needs"`
	// HintWhen says something fitting when the system is in a known wrong state.
	HintWhen []When `yaml:"hint_when"`
	// SpoiledWhen recognises a broken set-up, from which only a reset leads back.
	SpoiledWhen []When `yaml:"spoiled_when"`
}

// Kind names the check: that of its probe, or "answer".
func (c Check) Kind() string {
	if c.Answer != nil {
		return "answer"
	}
	return c.Probe.Kind()
}

// Need is another check of the same step, and what was observed there, if that matters.
type Need struct {
	Check string
	// Observed must be found in what that check observed; empty: its passing is enough.
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

// When is a state and what to say to it: either a text in what the check itself observed, or a probe.
type When struct {
	At       strictyaml.Position
	Observed *Match `yaml:"observed"`
	Probe    `yaml:",inline"`
	Say      string `yaml:"say"`
}

// RPC calls a method and expects an outcome.
type RPC struct {
	At      strictyaml.Position
	Service string `yaml:"service"`
	Method  string `yaml:"method"`
	// Request is JSON, or YAML that stands for it.
	Request JSON `yaml:"request"`
	// Proto is a file of the workspace that describes the service in place of the service's own word.
	Proto   string            `yaml:"proto"`
	Headers map[string]string `yaml:"headers"`
	// Deadline of the call; default 5 s.
	Deadline time.Duration `yaml:"deadline"`
	Expect   Expect        `yaml:"expect"`
}

// Expect is the outcome of a call.
type Expect struct {
	Code    Code    `yaml:"code"`
	Message *Match  `yaml:"message"`
	Fields  []Field `yaml:"fields"`
	// Below and Above bound the call's duration.
	Below time.Duration `yaml:"below"`
	Above time.Duration `yaml:"above"`
}

// Field is a place in the response ("products[0].name") and what must stand there.
type Field struct {
	At    strictyaml.Position
	Path  string `yaml:"path"`
	Match `yaml:",inline"`
}

// Match is a condition on one value; all that is set must hold.
type Match struct {
	// Equals compares numbers by value and everything else as text.
	Equals   *string  `yaml:"equals"`
	Contains string   `yaml:"contains"`
	Matches  Pattern  `yaml:"matches"`
	Count    *int     `yaml:"count"`
	AtLeast  *float64 `yaml:"at_least"`
	AtMost   *float64 `yaml:"at_most"`
	// Absent holds when nothing stands there.
	Absent bool `yaml:"absent"`
}

// Empty tells whether the match asks for nothing.
func (m Match) Empty() bool {
	return m.Equals == nil && m.Contains == "" && m.Matches.Regexp == nil && m.Count == nil && m.AtLeast == nil && m.AtMost == nil && !m.Absent
}

// Instance compares how a service does; what is not set is not compared.
type Instance struct {
	At       strictyaml.Position
	Service  string  `yaml:"service"`
	State    Strings `yaml:"state"`
	Version  string  `yaml:"version"`
	Replicas *int    `yaml:"replicas"`
	Ready    *int    `yaml:"ready"`
	// Restarts counts since the step began.
	Restarts *int `yaml:"restarts"`
	Faults   *int `yaml:"faults"`
}

// Log looks for a line that a service wrote since the step began.
type Log struct {
	At       strictyaml.Position
	Service  string  `yaml:"service"`
	Contains Strings `yaml:"contains"`
	Matches  Pattern `yaml:"matches"`
	Level    string  `yaml:"level"`
	// AtLeast is how many such lines there must be; default 1.
	AtLeast int `yaml:"at_least"`
}

// Answer is a question about what the learner found out.
type Answer struct {
	At        strictyaml.Position
	Question  string     `yaml:"question"`
	Kind      AnswerKind `yaml:"kind"`
	Unit      string     `yaml:"unit"`
	Accept    []string   `yaml:"accept"`
	Tolerance float64    `yaml:"tolerance"`
	Options   []Option   `yaml:"options"`
	// Right and Otherwise answer a right answer and one that no entry of Wrong knows.
	Right     string  `yaml:"right"`
	Wrong     []Wrong `yaml:"wrong"`
	Otherwise string  `yaml:"otherwise"`
}

// Wrong is a mistake that people make, and what it deserves to hear.
type Wrong struct {
	At    strictyaml.Position
	Given Strings `yaml:"given"`
	Say   string  `yaml:"say"`
}

// Strings is one text or a list of them.
type Strings []string

// DecodeNode reads both shapes.
func (s *Strings) DecodeNode(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		*s = Strings{n.Value}
		return nil
	}
	var list []string
	if err := strictyaml.Into(n, &list); err != nil {
		return err
	}
	*s = list
	return nil
}

// Pattern is a regular expression.
type Pattern struct{ *regexp.Regexp }

// DecodeNode compiles the pattern.
func (p *Pattern) DecodeNode(n *yaml.Node) error {
	var text string
	if err := strictyaml.Into(n, &text); err != nil {
		return err
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return strictyaml.At(n, "%s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	p.Regexp = re
	return nil
}

// Code is a gRPC code by its name: "NOT_FOUND". The zero value is OK.
type Code struct{ codes.Code }

// DecodeNode reads the name.
func (c *Code) DecodeNode(n *yaml.Node) error {
	var text string
	if err := strictyaml.Into(n, &text); err != nil {
		return err
	}
	if found, ok := code.Parse(text); ok {
		c.Code = found
		return nil
	}
	return strictyaml.At(n, "unknown code %q%s", text, strictyaml.DidYouMean(text, code.Names()))
}
