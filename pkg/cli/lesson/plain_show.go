package lesson

import (
	"fmt"
	"strings"

	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/lesson"
)

// show prints everything new since the last call.
func (p *plainLesson) show() {
	v := p.s.Snapshot()
	if v.Step.ID != p.step {
		p.step, p.blocks, p.run, p.replied, p.hints = v.Step.ID, 0, false, false, 0
		clear(p.checks)
		p.print("\n%d/%d %s\n%s\n", v.StepIndex+1, v.StepCount, v.Step.Title, strings.Repeat("-", 60))
	}
	if v.Message != "" && v.Message != p.message {
		p.print("\n%s\n", v.Message)
	}
	p.message = v.Message
	for i, b := range v.Step.Blocks {
		if i >= p.blocks {
			p.block(b)
		}
		p.result(b)
	}
	p.blocks = len(v.Step.Blocks)
	p.showChecks()
}

// block prints a block for the first time.
func (p *plainLesson) block(b lesson.BlockView) {
	switch b.Kind {
	case lesson.ProseBlock:
		p.print("\n%s\n", b.Markdown)
	case lesson.PredictBlock:
		p.print("\nPredict: %s\n", b.Predict.Question)
		p.options(b.Predict.Options)
	case lesson.RunBlock:
		p.print("\n%s\n\n", iostreams.Indented(b.Run.Command))
	case lesson.ObserveBlock:
		p.print("\nObserve: %s\n", b.Observe.Question)
		p.options(b.Observe.Options)
	case lesson.CheckBlock:
		p.print("\nGoals:\n")
	case lesson.RecallBlock:
		p.print("\nAsked again in a day:\n%s\n", b.Markdown)
	}
}

func (p *plainLesson) options(options []lesson.Option) {
	for i, o := range options {
		p.print("  %d  %s\n", i+1, o.Say)
	}
}

// result prints the result of a block, once.
func (p *plainLesson) result(b lesson.BlockView) {
	switch {
	case b.Run != nil && !b.Run.Running && (b.Run.Ran != p.run):
		p.run = b.Run.Ran
		if b.Run.Ran {
			p.print("\n%s\n", iostreams.Indented(strings.TrimRight(b.Run.Output, "\n")))
		}
	case b.Observe != nil && b.Observe.Revealed && !p.replied:
		p.replied = true
		p.card(b.Observe)
	case b.Hints != nil:
		for ; p.hints < len(b.Hints.Opened); p.hints++ {
			p.print("\nHint %d of %d: %s\n", p.hints+1, b.Hints.Total, b.Hints.Opened[p.hints])
		}
	}
}

// card compares prediction, observation and truth.
func (p *plainLesson) card(o *lesson.ObserveView) {
	p.print("\n")
	if o.Predicted != "" {
		p.print("  you predicted  %s\n", o.Predicted)
	}
	p.print("  you saw        %s\n", strings.TrimSpace(o.Answer+" "+o.Unit))
	if o.Truth != "" {
		p.print("  it was         %s\n", o.Truth)
	}
	if o.Reply != "" {
		p.print("  %s\n", o.Reply)
	}
	for _, b := range p.s.Snapshot().Step.Blocks {
		if b.Predict != nil && b.Predict.Reply != "" {
			p.print("  %s\n", b.Predict.Reply)
		}
	}
}

// showChecks prints the goals that changed and reports whether there were any.
func (p *plainLesson) showChecks() bool {
	changed := false
	for _, b := range p.s.Snapshot().Step.Blocks {
		if b.Kind != lesson.CheckBlock || p.blocks == 0 {
			continue
		}
		for _, c := range b.Checks {
			line := p.check(c)
			// The observed value changes with every round; print only changes that matter to the learner.
			key := fmt.Sprint(c.Verdict, c.Message)
			if p.checks[c.ID] != key {
				p.checks[c.ID] = key
				p.print("%s%s", map[bool]string{false: "\n", true: ""}[changed], line)
				changed = true
			}
		}
	}
	return changed
}

// steady prints the conditions of the steady state.
func (p *plainLesson) steady(title string, v lesson.View) {
	if len(v.SteadyState) == 0 {
		return
	}
	p.print("\n%s:\n", title)
	for _, c := range v.SteadyState {
		line := p.check(c)
		if p.ios.Accessible && c.Verdict == lesson.Pass {
			line = strings.Replace(line, "reached:", "holds:", 1)
		}
		p.print("%s", line)
	}
}

// cards prints prediction, observation and truth of each step.
func (p *plainLesson) cards(v lesson.View) {
	for i, s := range v.Steps {
		if s.Card == nil {
			continue
		}
		predicted := s.Card.Predicted
		if s.Card.Confidence != "" {
			predicted += " (" + s.Card.Confidence + ")"
		}
		verdict := map[bool]string{true: "so it was", false: "not so"}[s.Card.Correct]
		p.print("\n%d  %s\n   you predicted  %s: %s\n", i+1, s.Title, predicted, verdict)
		if s.Card.Observed != "" {
			p.print("   you saw        %s\n", s.Card.Observed)
		}
		if s.Card.Truth != "" {
			p.print("   it was         %s\n", s.Card.Truth)
		}
	}
}

func (p *plainLesson) check(c lesson.CheckView) string {
	box := map[lesson.Verdict]string{lesson.Pass: "[x]", lesson.Fail: "[ ]", lesson.Inconclusive: "[?]", lesson.BrokenSetup: "[!]"}[c.Verdict]
	if box == "" {
		box = "[ ]"
	}
	if p.ios.Accessible {
		box = map[lesson.Verdict]string{lesson.Pass: "reached:", lesson.Inconclusive: "inconclusive:", lesson.BrokenSetup: "the setup is broken:"}[c.Verdict]
		if box == "" {
			box = "not reached:"
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "  %s %s\n", box, c.Title)
	if c.Verdict != lesson.Pass && c.Kind != "answer" && c.Observed != "" {
		fmt.Fprintf(&b, "      expected %s\n      observed %s\n", c.Expected, c.Observed)
	}
	if c.Kind == "answer" && c.Verdict == lesson.Pending {
		for i, o := range c.Options {
			fmt.Fprintf(&b, "      %d  %s\n", i+1, o.Say)
		}
	}
	if c.Message != "" {
		fmt.Fprintf(&b, "      %s\n", c.Message)
	}
	if c.Verdict == lesson.Fail && c.Look != "" {
		fmt.Fprintf(&b, "      look: %s\n", c.Look)
	}
	return b.String()
}
