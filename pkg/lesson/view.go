package lesson

import (
	"time"

	"github.com/shopctl/shopctl/pkg/lesson/check"
	"github.com/shopctl/shopctl/pkg/lesson/format"
)

// Verdict is what a check says about the system at this moment.
type Verdict = check.Verdict

// Verdicts, see package check.
const (
	Pending      = check.Pending
	Pass         = check.Pass
	Fail         = check.Fail
	Inconclusive = check.Inconclusive
	Spoiled      = check.Spoiled
)

// BlockKind names what a BlockView holds.
type BlockKind = format.Kind

// Kinds of blocks, in the order in which a step usually has them.
const (
	ProseBlock   = format.Prose
	PredictBlock = format.PredictKind
	RunBlock     = format.RunKind
	ObserveBlock = format.ObserveKind
	CheckBlock   = format.CheckKind
	HintsBlock   = format.HintsKind
	RecallBlock  = format.RecallKind
)

// View is an immutable picture of a session: all that a screen needs, and nothing it may change.
type View struct {
	Lesson    string // id: "grpc"
	Title     string
	Track     string
	StepIndex int // from 0
	StepCount int
	Step      StepView
	// Steps holds the titles of all steps, for an overview.
	Steps []StepSummary
	Done  bool
	// Message is the last thing that the engine has to say: feedback to a key, a rollback, a broken set-up.
	Message string
	// Workspace is the directory with the lesson's files; run commands start there.
	Workspace string
}

// StepSummary is one line of a lesson's overview.
type StepSummary struct {
	ID, Title string
	Done      bool
}

// StepView is the step on the screen.
type StepView struct {
	ID     string
	Title  string
	Blocks []BlockView
	// Locked says why Next is not yet possible; empty if it is.
	Locked string
	// Next names what the learner can do now: "predict", "run", "observe", "answer", "check", "next", "done".
	Next string
}

// BlockView is one block of a step; the field that Kind names is set. Blocks that must wait, as the
// explanation does for the observation, are left out.
type BlockView struct {
	Kind     BlockKind
	Markdown string
	Predict  *PredictView
	Run      *RunView
	Observe  *ObserveView
	Checks   []CheckView
	Hints    *HintsView
}

// Option is one way to answer a question.
type Option struct {
	ID    string
	Say   string
	Reply string // feedback; empty until it may be shown
}

// PredictView is what the learner says will happen.
type PredictView struct {
	Question   string
	Options    []Option
	Chosen     string // option id; empty until predicted
	Confidence string // guess, fairly, sure
	// AsksConfidence tells whether Predict wants a confidence.
	AsksConfidence bool
	Correct        bool // meaningful once Revealed
	Revealed       bool
	Reply          string // feedback to the chosen option, once Revealed
}

// Confidences lists what Predict takes, least sure first.
func Confidences() []string { return []string{"guess", "fairly", "sure"} }

// RunView is the experiment.
type RunView struct {
	Command  string // all lines, as they can be pasted into a shell
	Enabled  bool
	WhyNot   string
	Running  bool
	Ran      bool
	Output   string
	ExitCode int // of the last line
	Took     time.Duration
}

// ObserveView asks what the learner saw, before the text explains it.
type ObserveView struct {
	Question string
	Kind     string // number, text, option
	Options  []Option
	Unit     string
	Answer   string
	Truth    string // once Revealed
	Verdict  Verdict
	Reply    string
	Revealed bool
	// Predicted repeats the prediction, for a card with prediction, observation and truth side by side.
	Predicted string
}

// CheckView is one goal of the step and how far it is reached.
type CheckView struct {
	ID       string
	Title    string
	Kind     string // rpc, instance, log, answer
	Verdict  Verdict
	Expected string
	Observed string
	Look     string // where to look: a command
	Message  string // what the lesson says to exactly this state or answer
	// Of an answer check:
	Question string
	Options  []Option
	Unit     string
	Given    string
	// Held and For say how long it holds already and must hold.
	Held, For time.Duration
}

// HintsView is the ladder.
type HintsView struct {
	Total   int
	Opened  []string
	NextIn  time.Duration // until the next one can be opened without an attempt
	WhyNot  string        // why the next one cannot be opened now; empty if it can
	Offered bool          // the learner seems stuck: offer one, do not open it
}
