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
		lines = append(lines, p.state.Faint.Paint("you are "+confidenceText(v.Confidence)))
	}
	if v.Revealed && v.Reply != "" {
		lines = append(lines, p.verdictLines(right(v.Correct), v.Reply, width)...)
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
	lines := append([]string{p.label("Observe")}, p.prose(v.Question, width)...)
	if !v.Revealed {
		lines = append(lines, p.options(v.Options, "", true, width)...)
		if len(v.Options) == 0 && v.Unit != "" {
			lines = append(lines, p.state.Faint.Paint("in "+v.Unit))
		}
		return lines
	}
	return append(lines, p.card(v, width)...)
}

// card shows prediction, observation and truth side by side.
func (p *Pane) card(v *lesson.ObserveView, width int) []string {
	state := p.state
	unit := ""
	if v.Unit != "" && v.Kind == "number" {
		unit = " " + v.Unit
	}
	var rows []string
	row := func(name, value string, tone style.Tone) {
		if value != "" {
			rows = append(rows, state.HangPainted(state.Faint.Paint(state.Fit(name, 15)), tone.Paint(style.Clean(value)), max(width-4, 1))...)
		}
	}
	row("you predicted", v.Predicted, style.Tone{})
	tone, word := p.verdict(v.Verdict)
	row("you saw", v.Answer+unit, tone)
	if v.Truth != "" {
		row("it was", v.Truth, state.Bold)
	}
	lines := rows
	if !state.Linear && width > 20 {
		lines = state.Box(style.Panel{Title: tone.Paint(word), Lines: rows}, width, len(rows)+2)
	}
	if v.Reply != "" {
		lines = append(lines, p.verdictLines(v.Verdict, v.Reply, width)...)
	}
	return lines
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
		return state.Good, symbol(state.OK, "correct")
	case lesson.Fail:
		return state.Bad, symbol(state.Broken, "not what happened")
	case lesson.Inconclusive:
		return state.Warn, symbol("?", "inconclusive")
	case lesson.BrokenSetup:
		return state.Warn, symbol(state.Alert, "the setup is broken")
	default:
		return state.Faint, symbol(state.Waiting, "open")
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
		label := p.label(fmt.Sprintf("Hint %d", i+1)) + p.state.Faint.Paint(fmt.Sprintf(" of %d", v.Total))
		lines = append(lines, label)
		lines = append(lines, p.prose(hint, width)...)
	}
	if v.Offered {
		lines = append(lines, p.state.Info.Paint("Stuck? h opens a hint."))
	}
	return lines
}
