package lessonpane

import (
	"fmt"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

func (p *Pane) predict(v *lesson.PredictView, width int) []string {
	lines := append([]string{p.label("Predict")}, p.prose(v.Question, width)...)
	lines = append(lines, p.options(v.Options, v.Chosen, v.Chosen == "", width)...)
	if v.Chosen != "" && v.Confidence != "" && !v.Revealed {
		lines = append(lines, p.state.Faint.Paint(p.state.Say("you are "+confidenceText(v.Confidence))))
	}
	return lines
}

// confidenceText is a confidence in words.
func confidenceText(confidence string) string {
	switch confidence {
	case "guess":
		return "guessing"
	case "fairly":
		return "fairly sure"
	default:
		return confidence
	}
}

func right(correct bool) lesson.Verdict {
	if correct {
		return lesson.Pass
	}
	return lesson.Fail
}

// options draws the options of a question; while it is open, with the numbers that choose them.
func (p *Pane) options(options []lesson.Option, chosen string, open bool, width int) []string {
	var lines []string
	for i, o := range options {
		mark, tone := "  ", p.state.Faint
		picked := open && p.Picked == i || o.ID == chosen || o.Say == chosen
		if picked {
			mark, tone = p.state.Mark+" ", p.state.Accent
		} else if open {
			tone = p.state.Accent
		}
		text := style.Clean(o.Say)
		if !open && !picked {
			text = p.state.Faint.Paint(text)
		}
		lines = append(lines, p.state.HangPainted(tone.Paint(mark+fmt.Sprint(i+1)+"  "), text, width)...)
	}
	return lines
}

func (p *Pane) observe(v *lesson.ObserveView, width int) []string {
	if v.Revealed && revealed(p.View) {
		return nil // the card has it all
	}
	lines := append([]string{p.label("Observe")}, p.prose(v.Question, width)...)
	if v.Revealed {
		tone, word := p.verdict(v.Verdict)
		lines = append(lines, style.Hang(p.state.Mark+" ", tone.Paint(style.Clean(p.withUnit(v))+": "+word), width)...)
		if v.Truth != "" {
			lines = append(lines, style.Hang("  ", p.state.Say("measured")+" "+style.Clean(v.Truth), width)...)
		}
		return append(lines, p.verdictLines(v.Verdict, v.Reply, width)...)
	}
	lines = append(lines, p.options(v.Options, "", true, width)...)
	if len(v.Options) == 0 && v.Unit != "" {
		lines = append(lines, p.state.Faint.Paint(p.state.Sayf("in %s", v.Unit)))
	}
	return lines
}

// withUnit is what the learner saw, with its unit.
func (p *Pane) withUnit(v *lesson.ObserveView) string {
	if v.Unit != "" && v.Kind == "number" {
		return v.Answer + " " + v.Unit
	}
	return v.Answer
}

// verdict is the color and the word of a verdict, with its symbol.
func (p *Pane) verdict(v lesson.Verdict) (style.Tone, string) {
	state := p.state
	symbol := func(s, word string) string {
		if state.Linear {
			return word
		}
		return s + " " + word
	}
	switch v {
	case lesson.Pass:
		return state.Good, symbol(state.OK, state.Say("correct"))
	case lesson.Fail:
		return state.Bad, symbol(state.Broken, state.Say("not what happened"))
	case lesson.Inconclusive:
		return state.Warn, symbol("?", state.Say("inconclusive"))
	case lesson.BrokenSetup:
		return state.Warn, symbol(state.Alert, state.Say("the setup is broken"))
	default:
		return state.Faint, symbol(state.Waiting, state.Say("open"))
	}
}

// verdictLines is feedback in the color of its verdict.
func (p *Pane) verdictLines(v lesson.Verdict, text string, width int) []string {
	tone, _ := p.verdict(v)
	lines := p.state.Markdown(text, max(width-2, 1))
	return style.Prefix(tone.Paint(p.state.Gutter)+" ", append([]string{}, lines...))
}

func (p *Pane) hintsBlock(v *lesson.HintsView, width int) []string {
	var lines []string
	for i, hint := range v.Opened {
		if i > 0 {
			lines = append(lines, "")
		}
		label := p.state.Heading.Paint(p.state.Sayf("Hint %d of %d", i+1, v.Total))
		lines = append(lines, label)
		lines = append(lines, p.prose(hint, width)...)
	}
	if v.Offered {
		lines = append(lines, p.state.Info.Paint(p.state.Say("Stuck? h opens a hint.")))
	}
	return lines
}
