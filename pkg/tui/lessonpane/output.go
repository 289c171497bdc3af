package lessonpane

import (
	"strings"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// Margin is how many cells of the pane's width the output of a command does not have.
const Margin = 2

const (
	// maxOutput is how many lines of output the lesson shows, half of them from the start and half from the end; while
	// the command runs, the last ones. The output pane has all of them.
	maxOutput = 40
	// maxBeside is how many it shows if the output pane is beside it.
	maxBeside = 12
)

func (p *Pane) run(v *lesson.RunView, width int) []string {
	state := p.state
	progress := ""
	switch {
	case v.Running:
		progress = state.Info.Paint(state.Say("running"))
	case v.Ran && v.ExitCode != 0:
		progress = state.Warn.Paint(state.Sayf("ran in %s, exit code %d", humanize.Duration(v.Took), v.ExitCode))
	case v.Ran:
		progress = state.Good.Paint(state.Sayf("ran in %s", humanize.Duration(v.Took)))
	case !v.Enabled:
		progress = state.Faint.Paint(state.Say(v.WhyNot))
	}
	output := style.CleanLines(v.Output)
	several := echoes(output) > 1
	if !several {
		output = withoutEchoes(output)
	}
	lines := []string{p.label("Run") + "  " + progress}
	if !several || p.Beside {
		for _, line := range style.CleanLines(v.Command) {
			lines = append(lines, state.HangPainted(state.Faint.Paint("$ "), state.Code.Paint(line), width)...)
		}
	}
	if len(output) == 0 {
		return lines
	}
	if p.Beside && !p.fits(output, width) {
		return append(lines, style.Hang(state.Faint.Paint(state.Gutter)+" ", state.Faint.Paint(state.Sayf("the output is in 6, beside this, lines: %d; z there gives it the whole screen", len(output))), width)...)
	}
	return append(lines, p.outputLines(output, v.Running, width)...)
}

// echoes counts the lines that repeat a command before its output.
func echoes(output []string) int {
	n := 0
	for _, line := range output {
		if strings.HasPrefix(line, "$ ") {
			n++
		}
	}
	return n
}

func withoutEchoes(output []string) []string {
	var kept []string
	for _, line := range output {
		if !strings.HasPrefix(line, "$ ") {
			kept = append(kept, line)
		}
	}
	return kept
}

// fits reports whether output can be read in the lesson, where the output pane is beside it.
func (p *Pane) fits(output []string, width int) bool {
	if len(output) > maxBeside {
		return false
	}
	for _, line := range output {
		if style.Width(line) > width-Margin && laidOut(line) {
			return false
		}
	}
	return true
}

// laidOut reports whether a line is part of a table or a drawing, which wrapping would destroy.
func laidOut(line string) bool {
	return strings.Contains(strings.TrimSpace(line), "   ") || strings.ContainsFunc(line, func(r rune) bool { return r >= 0x2500 && r <= 0x28ff })
}

func (p *Pane) outputLines(all []string, live bool, width int) []string {
	state := p.state
	var lines []string
	over := len(all) - maxOutput
	for i, line := range all {
		switch {
		case over > 0 && live:
			if i < over {
				continue
			}
		case over > 0 && i >= maxOutput/2 && i < maxOutput/2+over:
			if i == maxOutput/2 {
				lines = append(lines, state.Faint.Paint(state.Ellipsis+" "+state.Sayf("%d more lines: 6 shows all", over)))
			}
			continue
		}
		tone := style.Tone{}
		if strings.HasPrefix(line, "$ ") {
			tone = state.Code
		}
		room := max(width-Margin, 1)
		parts := []string{state.Truncate(line, room)}
		if !laidOut(line) {
			parts = style.Wrap(line, room)
		}
		lines = append(lines, style.Prefix(state.Border.Paint(state.Gutter)+" ", tone.PaintLines(parts))...)
	}
	return lines
}
