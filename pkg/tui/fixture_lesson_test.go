package tui

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/shopctl/shopctl/lessons"
	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/tuitest"
)

// predicting is a lesson at its first question.
func predicting() lesson.View {
	return lesson.View{
		Lesson: "grpc", Title: "A contract, and what breaks it", Track: "communication", StepIndex: 1, StepCount: 6,
		Step: lesson.StepView{ID: "not-found", Title: "Nothing, or not there", Next: "predict", Locked: "predict first", Blocks: []lesson.BlockView{
			{Kind: lesson.ProseBlock, Markdown: "The partner's list is **old** and holds ids that the shop *never* sold. `GetProduct` must do the right thing:\n\n* say so,\n* and not invent a product.\n"},
			{Kind: lesson.PredictBlock, Predict: &lesson.PredictView{
				Question: "What does `GetProduct` answer for the id NOPE?", AsksConfidence: true,
				Options: []lesson.Option{{ID: "empty", Say: "a product with empty fields"}, {ID: "null", Say: "nothing at all, a null"}, {ID: "status", Say: "an error with a status code of its own"}},
			}},
			{Kind: lesson.RunBlock, Run: &lesson.RunView{Command: "shopctl call catalog GetProduct '{\"id\": \"NOPE\"}'\n", WhyNot: "predict first"}},
		}},
	}
}

// answering is the same step later: everything but the goals is done.
func answering() lesson.View {
	v := predicting()
	blocks := v.Step.Blocks
	blocks[1].Predict.Chosen, blocks[1].Predict.Confidence, blocks[1].Predict.Revealed, blocks[1].Predict.Correct = "status", "sure", true, true
	blocks[1].Predict.Reply = "The outcome travels beside the message."
	blocks[2].Run = &lesson.RunView{
		Command: blocks[2].Run.Command, Enabled: true, Ran: true, ExitCode: 69, Took: 153 * time.Millisecond,
		Output: "$ shopctl call catalog GetProduct '{\"id\": \"NOPE\"}'\nshopctl: error: NOT_FOUND: no product with id NOPE\nexit code 69\n",
	}
	v.Step.Next, v.Step.Locked = "answer", "not reached yet: You know the code"
	v.Step.Card = &lesson.Card{
		Question: blocks[1].Predict.Question, Predicted: "an error with a status code of its own", Confidence: "sure", Revealed: true, Correct: true,
		Right: "an error with a status code of its own", Reply: blocks[1].Predict.Reply, Asked: "With which exit code did the command end?", Observed: "5",
		Verdict: lesson.Fail, Truth: "69", Measured: true, Feedback: "The line below the error says it.",
	}
	v.Step.Blocks = append(blocks,
		lesson.BlockView{Kind: lesson.ObserveBlock, Observe: &lesson.ObserveView{
			Question: "With which exit code did the command end?", Kind: "number", Answer: "5", Truth: "69", Verdict: lesson.Fail, Revealed: true,
			Predicted: "an error with a status code of its own (sure)", Reply: "The line below the error says it.",
		}},
		lesson.BlockView{Kind: lesson.CheckBlock, Checks: []lesson.CheckView{
			{ID: "refused", Title: "The catalog refuses an id that it does not know", Kind: "rpc", Verdict: lesson.Pass},
			{ID: "sound", Title: "The payment service is sound", Kind: "instance", Verdict: lesson.Fail, Expected: "state ok", Observed: "state paused", Look: "shopctl ps payment"},
			{ID: "code", Title: "You know the code", Kind: "answer", Verdict: lesson.Fail, Question: "Which code is it?", Given: "OK", Message: "That is the code of success."},
		}},
		lesson.BlockView{Kind: lesson.HintsBlock, Hints: &lesson.HintsView{Total: 3, Opened: []string{"Look at the *last* line."}, Offered: true}},
	)
	return v
}

// steady is the steady state of the lesson, with one condition that does not hold where broken.
func steady(broken bool) []lesson.CheckView {
	all := []lesson.CheckView{
		{ID: "catalog", Title: "the catalog is up and nothing is wrong with it", Verdict: lesson.Pass},
		{ID: "payment", Title: "the payment service is up and nothing is wrong with it", Verdict: lesson.Pass},
	}
	if broken {
		all[1].Verdict, all[1].Expected, all[1].Observed = lesson.Fail, "payment: faults 0", "payment: faults 1"
	}
	return all
}

// opening is the first step of a lesson that was just opened.
func opening() lesson.View {
	v := predicting()
	v.StepIndex, v.SteadyState = 0, steady(false)
	return v
}

// running is the step after the prediction, while its command runs.
func running(under bool) lesson.View {
	v := predicting()
	v.Step.Next, v.Step.Locked = "run", "say what you saw"
	v.Step.Blocks[1].Predict.Chosen, v.Step.Blocks[1].Predict.Confidence = "null", "guess"
	v.Step.Blocks[2].Run.Enabled, v.Step.Blocks[2].Run.WhyNot = true, ""
	if under {
		v.Step.Blocks[2].Run.Running, v.Step.Blocks[2].Run.Output = true, "$ shopctl call catalog GetProduct '{\"id\": \"NOPE\"}'\n"
		v.Step.Locked = "the command is still running"
	}
	return v
}

// seeing is the step after its run, with an open question.
func seeing(options bool) lesson.View {
	v := answering()
	v.Step.Next, v.Step.Locked = "observe", "say what you saw"
	o := v.Step.Blocks[3].Observe
	*o = lesson.ObserveView{Question: o.Question, Kind: "number", Predicted: o.Predicted, Verdict: lesson.Pending}
	if options {
		o.Kind, o.Unit, o.Question = "option", "", "What came back?"
		o.Options = []lesson.Option{{ID: "a", Say: "a product without a name"}, {ID: "b", Say: "an error with a code"}}
	}
	v.Step.Blocks[1].Predict.Revealed, v.Step.Card.Revealed = false, false
	v.Step.Blocks = v.Step.Blocks[:4]
	return v
}

// verdicts is a step whose goals all have one verdict.
func verdicts(verdict lesson.Verdict) lesson.View {
	v := checking(probe.Evidence{Kind: probe.CallEvidence, Service: "catalog", Method: "ListProducts"}, probe.Evidence{Kind: probe.InstanceEvidence, Service: "payment"})
	checks := v.Step.Blocks[0].Checks
	checks[0].Evidence = probe.Evidence{Kind: probe.LogEvidence, Service: "catalog"}
	checks[1].Title, checks[2].Title = "The list comes within 500 ms again", "Payment has no fault any more"
	for i := range checks {
		c := &checks[i]
		c.Verdict = verdict
		switch verdict {
		case lesson.Pass:
			c.Message = "That is the deadline the partner asked for."
			v.Step.Next, v.Step.Locked = "next", ""
		case lesson.Inconclusive:
			c.Observed = "too few calls to judge by: 3 of 20 in 30s"
		case lesson.BrokenSetup:
			c.Observed, c.Message = "the payment service is stopped", "The payment service is stopped: x restarts the step."
		case lesson.Fail:
			c.Message = "The fault is still there."
		}
	}
	if verdict == lesson.Pass {
		checks[2].Verdict, checks[2].Held, checks[2].For = lesson.Pass, 3*time.Second, 5*time.Second
	}
	return v
}

// ended is a lesson after its last step.
func ended(broken bool) lesson.View {
	v := verdicts(lesson.Pass)
	v.StepIndex, v.Step.Next, v.Done, v.SteadyState = 5, "done", true, steady(broken)
	v.Message = "The lesson is done."
	v.Step.Blocks = append(v.Step.Blocks, lesson.BlockView{Kind: lesson.RecallBlock, Markdown: "* Which exit code has NOT_FOUND?\n* Who is to blame for INVALID_ARGUMENT?"})
	v.Steps = []lesson.StepSummary{
		{ID: "contract", Title: "A price on the wire", Card: &lesson.Card{Question: "How does a price travel?", Predicted: "as the number 19.99", Confidence: "sure", Revealed: true, Right: "as whole units and billionths", Reply: "It would be off by a little.", Asked: "How many nanos?", Observed: "990000000", Verdict: lesson.Pass, Truth: "990000000", Measured: true}},
		{ID: "not-found", Title: "Nothing, or not there", Card: &lesson.Card{Question: "What comes back for NOPE?", Predicted: "an error with a status code of its own", Confidence: "guess", Revealed: true, Correct: true, Right: "an error with a status code of its own", Asked: "Which exit code?", Observed: "5", Verdict: lesson.Fail, Truth: "69"}},
		{ID: "why", Title: "Why"},
	}
	return v
}

// japanese is the step of the lesson grpc about deadlines, in Japanese.
func japanese(t testing.TB) lesson.View {
	t.Helper()
	all, err := lesson.Load(lessons.FS)
	if err != nil {
		t.Fatal(err)
	}
	l := lesson.Find(all, "grpc").In("ja")
	step := l.Steps[l.Step("deadline")]
	v := lesson.View{Lesson: l.ID, Title: l.Title, Track: l.Track, Language: l.Language, StepIndex: 3, StepCount: len(l.Steps), Step: lesson.StepView{ID: step.ID, Title: step.Title, Next: "predict"}}
	for _, b := range step.Blocks {
		switch b.Kind {
		case lesson.ProseBlock:
			v.Step.Blocks = append(v.Step.Blocks, lesson.BlockView{Kind: b.Kind, Markdown: b.Markdown})
		case lesson.PredictBlock:
			p := &lesson.PredictView{Question: b.Predict.Question, AsksConfidence: true}
			for _, o := range b.Predict.Options {
				p.Options = append(p.Options, lesson.Option{ID: o.ID, Say: o.Say})
			}
			v.Step.Blocks = append(v.Step.Blocks, lesson.BlockView{Kind: b.Kind, Predict: p})
		}
	}
	return v
}

func TestJapaneseIsShownWholeWithItsWidth(t *testing.T) {
	v := japanese(t)
	for _, c := range []Config{{}, {Color: true}, {Accessible: true}} {
		s, _ := lessonOn(t, c, v, tuitest.Status())
		for w := 20; w <= 100; w++ {
			text := ""
			for line := range strings.Lines(s.lesson.Render(w, 400)) {
				line = strings.TrimRight(line, "\n")
				if got := ansi.StringWidth(line); got > w {
					t.Fatalf("a line in %d cells takes %d: %q", w, got, line)
				}
				text += strings.TrimSpace(ansi.Strip(line))
			}
			for _, whole := range []string{"取引先のページは", "DEADLINE_EXCEEDED", "期限を延ばせば、この不具合は隠れるだけです。"} {
				if !strings.Contains(strings.ReplaceAll(text, " ", ""), whole) {
					t.Fatalf("%q is not whole in %d cells:\n%s", whole, w, text)
				}
			}
		}
	}
}

// lessonScreens adds a screen for each phase of a lesson.
func lessonScreens(t testing.TB, c Config, all map[string]*screen) {
	at := func(name string, v lesson.View, keys ...string) *screen {
		s, _ := lessonOn(t, c, predicting(), tuitest.BrokenStatus())
		s.send(feed.Batch{Lesson: &v, Topology: tuitest.CallMap(), Alerts: alertList()})
		s.press(keys...)
		all["lesson-"+name] = s
		return s
	}
	opened, _ := lessonOn(t, c, opening(), tuitest.Status())
	all["lesson-open"] = opened
	all["lesson-ja"], _ = lessonOn(t, c, japanese(t), tuitest.Status())
	at("run", running(false))
	at("running", running(true))
	at("quit", running(true), "q")
	at("observe", seeing(false))
	at("observe-option", seeing(true))
	at("red", verdicts(lesson.Fail))
	at("green", verdicts(lesson.Pass))
	at("inconclusive", verdicts(lesson.Inconclusive))
	at("broken-setup", verdicts(lesson.BrokenSetup))
	hinted := answering()
	hinted.Step.Blocks[5].Hints.Opened = []string{"Look at the *last* line.", "The exit code is 64 and the number of the code.", "69 - 64 = `5`\n\nWhy is it not 0?"}
	hinted.Step.Blocks[5].Hints.Offered, hinted.Step.Blocks[5].Hints.WhyNot = false, "all hints are open"
	s, _ := lessonOn(t, c, answering(), tuitest.BrokenStatus())
	s.send(feed.Batch{Lesson: &hinted})
	all["lesson-hints"] = s
	at("done", ended(false))
	at("undone", ended(true))
	at("reset", verdicts(lesson.BrokenSetup), "x")
	at("solution", verdicts(lesson.Fail), "s")
	at("help", verdicts(lesson.Fail), "?")
	at("evidence", verdicts(lesson.Fail), "enter")
}
