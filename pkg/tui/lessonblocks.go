package tui

import (
	"fmt"
	"strings"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/lesson"
)

// mostShown is how many lines of a command's output stand in the lesson, half of them from its beginning
// and half from its end; all of them are in the output pane.
const mostShown = 40

func (p *lessonPane) predict(v *lesson.PredictView, width int) []string {
	lines := append([]string{p.label("Predict")}, p.prose(v.Question, width)...)
	lines = append(lines, p.options(v.Options, v.Chosen, v.Chosen == "", width)...)
	if v.Chosen != "" && v.Confidence != "" && !v.Revealed {
		lines = append(lines, p.w.faint.paint("you are "+sureness(v.Confidence)))
	}
	if v.Revealed && v.Reply != "" {
		lines = append(lines, p.verdictLines(right(v.Correct), v.Reply, width)...)
	}
	return lines
}

// sureness puts a confidence into words.
func sureness(confidence string) string {
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

// options draws what can be chosen; open ones have the number that chooses them.
func (p *lessonPane) options(options []lesson.Option, chosen string, open bool, width int) []string {
	var lines []string
	for i, o := range options {
		mark, tone := "  ", p.w.faint
		picked := open && p.Picked == i || o.ID == chosen || o.Say == chosen
		if picked {
			mark, tone = p.w.mark+" ", p.w.accent
		} else if open {
			tone = p.w.accent
		}
		text := clean(o.Say)
		if !open && !picked {
			text = p.w.faint.paint(text)
		}
		lines = append(lines, p.w.paintHang(tone.paint(mark+fmt.Sprint(i+1)+"  "), text, width)...)
	}
	return lines
}

func (p *lessonPane) run(v *lesson.RunView, width int) []string {
	w := p.w
	state := ""
	switch {
	case v.Running:
		state = w.info.paint("running")
	case v.Ran && v.ExitCode != 0:
		state = w.warn.paint(fmt.Sprintf("ran in %s, exit code %d", humanize.Duration(v.Took), v.ExitCode))
	case v.Ran:
		state = w.good.paint("ran in " + humanize.Duration(v.Took))
	case !v.Enabled:
		state = w.faint.paint(v.WhyNot)
	}
	lines := []string{p.label("Run") + "  " + state}
	for _, line := range cleanLines(v.Command) {
		lines = append(lines, w.paintHang(w.faint.paint("$ "), w.code.paint(line), width)...)
	}
	return append(lines, p.outputLines(v.Output, width)...)
}

func (p *lessonPane) outputLines(output string, width int) []string {
	w := p.w
	all := cleanLines(output)
	var lines []string
	for i, line := range all {
		if over := len(all) - mostShown; over > 0 && i >= mostShown/2 && i < mostShown/2+over {
			if i == mostShown/2 {
				lines = append(lines, w.faint.paint(fmt.Sprintf("%s %d more lines: 6 shows all", w.more, over)))
			}
			continue
		}
		tone := tone{}
		if strings.HasPrefix(line, "$ ") {
			tone = w.faint
		}
		lines = append(lines, prefixed(w.border.paint(w.scrollMark)+" ", tone.each(wrap(line, max(width-2, 1))))...)
	}
	return lines
}

func (p *lessonPane) observe(v *lesson.ObserveView, width int) []string {
	lines := append([]string{p.label("Observe")}, p.prose(v.Question, width)...)
	if !v.Revealed {
		lines = append(lines, p.options(v.Options, "", true, width)...)
		if len(v.Options) == 0 && v.Unit != "" {
			lines = append(lines, p.w.faint.paint("in "+v.Unit))
		}
		return lines
	}
	return append(lines, p.card(v, width)...)
}

// card sets prediction, observation and truth side by side.
func (p *lessonPane) card(v *lesson.ObserveView, width int) []string {
	w := p.w
	unit := ""
	if v.Unit != "" && v.Kind == "number" {
		unit = " " + v.Unit
	}
	var rows []string
	row := func(name, value string, tone tone) {
		if value != "" {
			rows = append(rows, w.paintHang(w.faint.paint(w.fit(name, 15)), tone.paint(clean(value)), max(width-4, 1))...)
		}
	}
	row("you predicted", v.Predicted, tone{})
	tone, word := p.verdict(v.Verdict)
	row("you saw", v.Answer+unit, tone)
	if v.Truth != "" {
		row("it was", v.Truth, w.bold)
	}
	lines := rows
	if !w.linear && width > 20 {
		lines = w.box(panel{title: tone.paint(word), lines: rows}, width, len(rows)+2)
	}
	if v.Reply != "" {
		lines = append(lines, p.verdictLines(v.Verdict, v.Reply, width)...)
	}
	return lines
}

// verdict is the colour and the word for a verdict, with its symbol.
func (p *lessonPane) verdict(v lesson.Verdict) (tone, string) {
	w := p.w
	symbol := func(s, word string) string {
		if w.linear {
			return word
		}
		return s + " " + word
	}
	switch v {
	case lesson.Pass:
		return w.good, symbol(w.ok, "as it is")
	case lesson.Fail:
		return w.bad, symbol(w.broken, "not what happened")
	case lesson.Inconclusive:
		return w.warn, symbol("?", "cannot be told")
	case lesson.BrokenSetup:
		return w.warn, symbol(w.alert, "the set-up is broken")
	default:
		return w.faint, symbol(w.waiting, "open")
	}
}

// verdictLines is feedback in the colour of what it is about.
func (p *lessonPane) verdictLines(v lesson.Verdict, text string, width int) []string {
	tone, _ := p.verdict(v)
	lines := p.w.markdown(text, max(width-2, 1))
	return prefixed(tone.paint(p.w.scrollMark)+" ", append([]string{}, lines...))
}

func (p *lessonPane) ladder(v *lesson.HintsView, width int) []string {
	var lines []string
	for i, hint := range v.Opened {
		if i > 0 {
			lines = append(lines, "")
		}
		label := p.label(fmt.Sprintf("Hint %d", i+1)) + p.w.faint.paint(fmt.Sprintf(" of %d", v.Total))
		lines = append(lines, label)
		lines = append(lines, p.prose(hint, width)...)
	}
	if v.Offered {
		lines = append(lines, p.w.info.paint("Stuck? h opens a hint."))
	}
	return lines
}
