package lesson

import (
	"strconv"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
)

// Verdict is the outcome of a check at one moment.
type Verdict = probe.Verdict

// Verdicts, see package check.
const (
	Pending      = probe.Pending
	Pass         = probe.Pass
	Fail         = probe.Fail
	Inconclusive = probe.Inconclusive
	BrokenSetup  = probe.BrokenSetup
)

// BlockKind is the kind of a BlockView.
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
	Lesson string `json:"lesson"` // id: "grpc"
	Title  string `json:"title"`
	Track  string `json:"track"`
	// Language is that of the lesson's texts: "ja"; empty: English.
	Language  string   `json:"language,omitempty"`
	StepIndex int      `json:"step_index"` // from 0
	StepCount int      `json:"step_count"`
	Step      StepView `json:"step"`
	// Steps holds the titles of all steps, for an overview.
	Steps []StepSummary `json:"steps,omitempty"`
	Done  bool          `json:"done"`
	// Message is the latest message of the engine: feedback to a key, a rollback, a broken setup.
	Message string `json:"message"`
	// SteadyState has the results when the lesson was opened and, once it is done, the present ones.
	SteadyState []CheckView `json:"steady_state,omitempty"`
	// Workspace is the directory with the lesson's files; run commands start there.
	Workspace string `json:"workspace"`
	// Files are the paths in it that the lesson brought, for the learner to apply or edit.
	Files []string `json:"files,omitempty"`
}

// StepSummary is one line of a lesson's overview.
type StepSummary struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Done  bool   `json:"done"`
	// Card has prediction, observation and truth side by side; nil until there is a prediction.
	Card *Card `json:"card,omitempty"`
}

// Card is a prediction and its outcome: all that a screen shows in one place after an observation.
type Card struct {
	// Question is what was predicted, Predicted the option that the learner chose.
	Question   string `json:"question"`
	Predicted  string `json:"predicted"`
	Confidence string `json:"confidence"`
	// Revealed is whether the outcome may be shown; Correct, Right and Reply mean nothing before.
	Revealed bool `json:"revealed"`
	Correct  bool `json:"correct"`
	// Right is the option that came true, Reply the lesson's reply to the one that was chosen.
	Right string `json:"right"`
	Reply string `json:"reply"`
	// Asked is what the observation asks, Observed what the learner saw, Verdict whether that is so.
	Asked    string  `json:"asked"`
	Observed string  `json:"observed"`
	Verdict  Verdict `json:"verdict"`
	// Truth is what was there to see, with its unit; empty where it is not known. Measured is whether it was read in this
	// run; otherwise it is the lesson's own figure.
	Truth    string `json:"truth"`
	Measured bool   `json:"measured"`
	// Feedback is the lesson's reply to the observation.
	Feedback string `json:"feedback"`
}

// StepView is the step on the screen.
type StepView struct {
	ID     string      `json:"id"`
	Title  string      `json:"title"`
	Blocks []BlockView `json:"blocks,omitempty"`
	// Locked is why Next is not yet possible; empty if it is.
	Locked string `json:"locked"`
	// Next names what the learner can do now: "predict", "run", "observe", "answer", "check", "next", "done".
	Next string `json:"next"`
	// Card is that of this step; nil until there is a prediction.
	Card *Card `json:"card,omitempty"`
}

// BlockView is one block of a step; the field that Kind names is set. Blocks that must wait, as the
// explanation does for the observation, are left out.
type BlockView struct {
	Kind     BlockKind    `json:"kind"`
	Markdown string       `json:"markdown"`
	Predict  *PredictView `json:"predict,omitempty"`
	Run      *RunView     `json:"run,omitempty"`
	Observe  *ObserveView `json:"observe,omitempty"`
	Checks   []CheckView  `json:"checks,omitempty"`
	Hints    *HintsView   `json:"hints,omitempty"`
}

// Option is one way to answer a question.
type Option struct {
	ID    string `json:"id"`
	Say   string `json:"say"`
	Reply string `json:"reply"` // feedback; empty until it may be shown
	// Correct is whether it is the right one; false until it may be shown.
	Correct bool `json:"correct"`
}

// PredictView is the prediction.
type PredictView struct {
	Question   string   `json:"question"`
	Options    []Option `json:"options,omitempty"`
	Chosen     string   `json:"chosen"`     // option id; empty until predicted
	Confidence string   `json:"confidence"` // guess, fairly, sure
	// AsksConfidence is whether Predict needs a confidence.
	AsksConfidence bool   `json:"asks_confidence"`
	Correct        bool   `json:"correct"` // meaningful once Revealed
	Revealed       bool   `json:"revealed"`
	Reply          string `json:"reply"` // feedback to the chosen option, once Revealed
	Right          string `json:"right"` // the right option, once Revealed
}

// Confidences lists what Predict takes, least sure first.
func Confidences() []string { return []string{"guess", "fairly", "sure"} }

// Confidence reads how sure a learner is: a word of Confidences, its first letter, or its number from 1. It is empty for
// anything else.
func Confidence(text string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	for i, word := range Confidences() {
		if text == word || text == word[:1] || text == strconv.Itoa(i+1) {
			return word
		}
	}
	return ""
}

// RunView is the experiment.
type RunView struct {
	Command  string        `json:"command"` // all lines, as they can be pasted into a shell
	Enabled  bool          `json:"enabled"`
	WhyNot   string        `json:"why_not"`
	Running  bool          `json:"running"`
	Ran      bool          `json:"ran"`
	Output   string        `json:"output"`
	ExitCode int           `json:"exit_code"` // of the last line
	Took     time.Duration `json:"took_ns"`
}

// ObserveView asks what the learner saw, before the text explains it.
type ObserveView struct {
	Question string   `json:"question"`
	Kind     string   `json:"kind"` // number, text, option
	Options  []Option `json:"options,omitempty"`
	Unit     string   `json:"unit"`
	Answer   string   `json:"answer"`
	Truth    string   `json:"truth"`    // once Revealed, with its unit
	Measured bool     `json:"measured"` // whether Truth was read in this run
	Verdict  Verdict  `json:"verdict"`
	Reply    string   `json:"reply"`
	Revealed bool     `json:"revealed"`
	// Predicted repeats the prediction, for a card with prediction, observation and truth side by side.
	Predicted string `json:"predicted"`
}

// CheckView is one goal of the step and how far it is reached. Until the learner has tried something, or half a minute
// is over, a goal that is not reached is pending, and shows neither where to look nor a message.
type CheckView struct {
	ID       string  `json:"id"`
	Title    string  `json:"title"`
	Kind     string  `json:"kind"` // rpc, promql, trace, answer and so on
	Verdict  Verdict `json:"verdict"`
	Expected string  `json:"expected"`
	Observed string  `json:"observed"`
	Look     string  `json:"look"`    // where to look: a command
	Message  string  `json:"message"` // the lesson's text for this state or answer
	// Tried is whether the learner has tried something since the goals appeared, or has had them before their eyes for half
	// a minute.
	Tried bool `json:"tried"`
	// Evidence is what the verdict is based on, for a screen to open; its zero value means that there is nothing to open.
	Evidence probe.Evidence `json:"evidence,omitzero"`
	// Of an answer check:
	Question string   `json:"question"`
	Options  []Option `json:"options,omitempty"`
	Unit     string   `json:"unit"`
	Given    string   `json:"given"`
	// Held and For are how long it has held and must hold.
	Held time.Duration `json:"held_ns"`
	For  time.Duration `json:"for_ns"`
}

// HintsView is the ladder.
type HintsView struct {
	Total   int           `json:"total"`
	Opened  []string      `json:"opened,omitempty"`
	NextIn  time.Duration `json:"next_in_ns"` // until the next one can be opened without an attempt
	WhyNot  string        `json:"why_not"`    // why the next one cannot be opened now; empty if it can
	Offered bool          `json:"offered"`    // the learner seems stuck: offer one, do not open it
}
