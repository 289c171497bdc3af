package format

import (
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/lesson/command"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Lesson is one lesson as its file describes it.
type Lesson struct {
	Front
	Steps []Step
	// File is the path of lesson.md, for messages.
	File string
	// Hash changes with every change of lesson.md and of the files that the learner works with.
	Hash string
	// Files are applied or edited by the learner: path in the workspace -> content.
	Files map[string][]byte
	// Scripts prove the lesson: "solution", "alt-x", "wrong-y" -> txtar archive.
	Scripts map[string][]byte
	// Unfilled are the lines where the author still has something to fill in.
	Unfilled []int
	// Trusted lessons may do what the learner may: those that came with shopctl, and those that the user trusts. Others
	// are limited, and always undone whole.
	Trusted bool
	// Origin identifies where a lesson comes from that is not built in; empty for one that is.
	Origin string
	// Translations are the same lesson in other languages, by language: "ja".
	Translations map[string]*Translation
	// Language is that of the texts: "ja"; empty: English.
	Language string
}

// originMark stands between a lesson's id and its origin. Ids cannot contain it.
const originMark = "@"

// Key names the lesson in the learner's progress and its workspace. Lessons of different origins have different keys,
// even where one has the id of another.
func (l *Lesson) Key() string {
	if l.Origin == "" {
		return l.ID
	}
	return l.ID + originMark + l.Origin
}

// HasOrigin reports whether a key is that of a lesson that is not built in.
func HasOrigin(key string) bool { return strings.Contains(key, originMark) }

// Undo names what is undone when the lesson is left: what it declares, and everything if it is not trusted.
func (l *Lesson) Undo() []Rollback {
	if l.Trusted {
		return l.Rollback
	}
	return []Rollback{RollbackFaults, RollbackObjects}
}

// Front is the front matter.
type Front struct {
	At      strictyaml.Position
	ID      string   `yaml:"id" lesson:"required"`
	Aliases []string `yaml:"aliases"`
	Title   string   `yaml:"title" lesson:"required"`
	Summary string   `yaml:"summary"`
	Track   string   `yaml:"track" lesson:"required"`
	Minutes int      `yaml:"minutes"`
	// Order is the lesson's place in lists; those without one come last. It does not limit which lesson can be opened.
	Order int    `yaml:"order"`
	Level string `yaml:"level"`
	// Needs are lessons that should come first.
	Needs []string `yaml:"needs"`
	Shop  Shop     `yaml:"shop"`
	// SteadyState must hold before the lesson breaks anything, and again when it has been left.
	SteadyState []Check `yaml:"steady_state"`
	// Rollback names what is undone on every way out: faults, objects.
	Rollback []Rollback `yaml:"rollback"`
}

// Shop describes the shop that the lesson needs.
type Shop struct {
	Profile string  `yaml:"profile"`
	Seed    int64   `yaml:"seed"`
	Load    float64 `yaml:"load"`
}

// Rollback is one kind of change that leaving a lesson undoes.
type Rollback string

// Values returns all that can be rolled back.
func (Rollback) Values() []string { return []string{string(RollbackFaults), string(RollbackObjects)} }

// What can be rolled back.
const (
	RollbackFaults  Rollback = "faults"  // faults that were injected since the lesson began
	RollbackObjects Rollback = "objects" // Deployments, Services and ConfigMaps as they were
)

// Step is one heading and the blocks below it.
type Step struct {
	ID, Title string
	Line      int
	Blocks    []Block
}

// Block is one piece of a step: prose, or what the engine acts on.
type Block struct {
	Kind Kind
	// Line of the block's first line in the file, from 1.
	Line     int
	Markdown string // of prose
	Predict  *Predict
	Run      *Run
	Observe  *Observe
	Checks   []Check
	Hints    *Hints
	Recall   []Question
}

// Kind is the role of a block: the second word of the fence's info string.
type Kind string

// Kinds of blocks.
const (
	Prose       Kind = "prose"
	PredictKind Kind = "predict"
	RunKind     Kind = "run"
	ObserveKind Kind = "observe"
	CheckKind   Kind = "check"
	HintsKind   Kind = "hints"
	RecallKind  Kind = "recall"
)

// Option is one way to answer.
type Option struct {
	At      strictyaml.Position
	ID      string `yaml:"id" lesson:"required"`
	Say     string `yaml:"say" lesson:"required"`
	Reply   string `yaml:"reply"`
	Correct bool   `yaml:"correct"`
}

// Predict asks for a prediction before the run.
type Predict struct {
	At       strictyaml.Position
	Question string   `yaml:"question" lesson:"required"`
	Options  []Option `yaml:"options" lesson:"required"`
	// Confidence is whether to ask how sure the learner is; default true.
	Confidence *bool `yaml:"confidence"`
}

// Run is the experiment.
type Run struct {
	Text  string
	Lines []command.Line
}

// Observe asks what was seen. The truth is fixed (Value, Accept or a correct option), or taken From
// what the learner's own run printed.
type Observe struct {
	At        strictyaml.Position
	Question  string     `yaml:"question" lesson:"required"`
	Kind      AnswerKind `yaml:"kind" lesson:"required"`
	Unit      string     `yaml:"unit"`
	Value     *float64   `yaml:"value"`
	Tolerance float64    `yaml:"tolerance"`
	Accept    []string   `yaml:"accept"`
	Options   []Option   `yaml:"options"`
	From      *From      `yaml:"from"`
	Right     string     `yaml:"right"`
	Wrong     string     `yaml:"wrong"`
}

// From takes a truth out of the run block's last run.
type From struct {
	// Command counts the run's commands from 1; 0 is the last one.
	Command int  `yaml:"command"`
	Take    Take `yaml:"take"`
	// Match is a pattern with one group, for take: match.
	Match probe.Pattern `yaml:"match"`
}

// Take selects the value that a From reads.
type Take string

// Values returns all that can be taken.
func (Take) Values() []string {
	return []string{string(TakeExit), string(TakeMilliseconds), string(TakeMatch)}
}

// What can be taken from a run.
const (
	TakeExit         Take = "exit"
	TakeMilliseconds Take = "milliseconds"
	TakeMatch        Take = "match"
)

// AnswerKind is the shape of an answer.
type AnswerKind string

// Values returns all shapes.
func (AnswerKind) Values() []string {
	return []string{string(NumberAnswer), string(TextAnswer), string(OptionAnswer)}
}

// Shapes of answers.
const (
	NumberAnswer AnswerKind = "number"
	TextAnswer   AnswerKind = "text"
	OptionAnswer AnswerKind = "option"
)

// Hints is the ladder: where to look, the principle, the worked step; and the question that follows it.
type Hints struct {
	At        strictyaml.Position
	Look      string `yaml:"look"`
	Principle string `yaml:"principle"`
	Worked    string `yaml:"worked"`
	Why       string `yaml:"why"`
}

// Rungs returns the hints in the order in which they open.
func (h *Hints) Rungs() []string {
	var rungs []string
	for _, rung := range []string{h.Look, h.Principle, h.Worked} {
		if rung != "" {
			rungs = append(rungs, rung)
		}
	}
	if h.Why != "" && len(rungs) > 0 {
		rungs[len(rungs)-1] += "\n\nWhy does this work? " + h.Why
	}
	return rungs
}

// Question is asked again after days, by review.
type Question struct {
	At      strictyaml.Position
	ID      string   `yaml:"id" lesson:"required"`
	Ask     string   `yaml:"ask" lesson:"required"`
	Accept  []string `yaml:"accept"`
	Options []Option `yaml:"options"`
	// Answer explains.
	Answer string `yaml:"answer"`
}

// Checks returns all checks of the step.
func (s *Step) Checks() []Check {
	var all []Check
	for i := range s.Blocks {
		all = append(all, s.Blocks[i].Checks...)
	}
	return all
}

// Block returns the step's block of a kind, nil if it has none. Prose aside, a step has at most one of each.
func (s *Step) Block(k Kind) *Block {
	for i := range s.Blocks {
		if s.Blocks[i].Kind == k {
			return &s.Blocks[i]
		}
	}
	return nil
}

// Recall returns the questions that the lesson leaves for review.
func (l *Lesson) Recall() []Question {
	var all []Question
	for _, s := range l.Steps {
		if b := s.Block(RecallKind); b != nil {
			all = append(all, b.Recall...)
		}
	}
	return all
}

// Step returns the index of the step with an id, -1 if there is none.
func (l *Lesson) Step(id string) int {
	for i := range l.Steps {
		if l.Steps[i].ID == id {
			return i
		}
	}
	return -1
}

// defaultTimeout is how long a check is evaluated until the learner asks again.
const defaultTimeout = 10 * time.Minute
