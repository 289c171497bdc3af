package tui

import (
	"fmt"
	"strings"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/tui/pane"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// statusBar is the lines at the top: the step, the health of the shop, and active faults.
func (m *model) statusBar() []string {
	var lines []string
	if sizeOf(m.width, m.height, m.state.Linear) == small {
		lines = append(lines, m.compactStatus())
	} else {
		lines = append(lines, m.statusLine())
	}
	if m.state.Disconnected != "" && m.state.Status != nil {
		symbol := m.state.Broken + " "
		if m.state.Linear {
			symbol = ""
		}
		text := " " + symbol + m.state.Disconnected + ": this is its last known state; " + m.state.Command("up") + " starts it"
		lines = append(lines, m.state.Bad.Paint(m.state.Fit(text, m.width)))
	}
	if effects := m.state.FaultEffects(); len(effects) > 0 {
		text := " " + m.state.Alert + " " + effects[0]
		if m.state.Linear {
			text = " fault: " + effects[0]
		}
		more := ""
		if len(effects) > 1 {
			more = " " + m.state.Sayf("(and %d more)", len(effects)-1) + " "
		}
		lines = append(lines, m.state.Warn.Paint(m.state.Justify(style.Clean(text), more, m.width)))
	}
	return lines
}

// statusLine is the first line of a large screen.
func (m *model) statusLine() string {
	state := m.state
	left := " " + state.Accent.Paint("shopctl") + "  "
	if m.session != nil {
		v := m.lesson.View
		left += state.Faint.Paint(state.Say(v.Track)+" > ") + fmt.Sprintf("%d/%d ", v.StepIndex+1, v.StepCount) + style.Clean(v.Title)
	} else {
		left += "dash"
		if url := state.Status.GetUrl(); url != "" {
			left += "  " + state.Faint.Paint(url)
		}
	}
	var right []string
	if m.busy != "" {
		right = append(right, state.Info.Paint(m.busy))
	}
	right = append(right, m.health()...)
	if state.Name != "" {
		right = append(right, state.Faint.Paint(state.Name))
	}
	return state.Justify(left, "  "+strings.Join(right, "  ")+" ", m.width)
}

// health is the health of the shop in a few words.
func (m *model) health() []string {
	state := m.state
	switch {
	case state.Disconnected != "":
		return []string{state.Bad.Paint(state.Say("no connection"))}
	case state.Status == nil:
		return []string{state.Faint.Paint(state.Say("waiting"))}
	}
	var words []string
	switch ok, all := state.CountUp(); {
	case ok == all && all > 0:
		words = append(words, state.Good.Paint(state.Sayf("%d up", ok)))
	default:
		words = append(words, state.Warn.Paint(state.Sayf("%d of %d up", ok, all)))
	}
	for _, s := range state.Services() {
		if pane.IsStore(s) && s.GetState() != "ok" {
			words = append(words, state.Warn.Paint(s.GetName()+" "+s.GetState()))
		}
	}
	if n := len(state.Status.GetFaults()); n > 0 {
		words = append(words, state.Warn.Paint(m.count(n, "fault")))
	}
	if all := state.FiringAlerts(); len(all) > 0 {
		text := m.count(len(all), "alert")
		if m.width >= 100 {
			text += ": " + state.Truncate(style.Clean(all[0].GetName()), 30)
		}
		words = append(words, state.Bad.Paint(text))
	}
	return words
}

// latency is the storefront's p95, or a dash while there are no requests.
func (m *model) latency() string {
	if p95 := m.state.StorefrontP95(); p95 > 0 {
		return humanize.Millis(p95)
	}
	return m.state.Dash
}

// compactStatus is the first line of a small screen.
func (m *model) compactStatus() string {
	state := m.state
	var words []string
	switch {
	case state.Disconnected != "":
		words = append(words, state.Bad.Paint(state.Say("no connection")))
	case state.Status == nil:
		words = append(words, state.Faint.Paint(state.Say("waiting for the shop")))
	default:
		ok, all := state.CountUp()
		tone := state.Good
		if ok < all {
			tone = state.Warn
		}
		words = append(words, tone.Paint(state.Sayf("%d/%d ok", ok, all)), "p95 "+m.latency())
		if n := len(state.Status.GetFaults()); n > 0 {
			words = append(words, state.Warn.Paint(state.Sayf("faults %d", n)))
		} else {
			words = append(words, state.Faint.Paint(state.Sayf("faults %d", 0)))
		}
		if n := len(state.FiringAlerts()); n > 0 {
			words = append(words, state.Bad.Paint(state.Sayf("alerts %d", n)))
		}
	}
	right := state.Name
	if m.session != nil {
		right = fmt.Sprintf("%s %d/%d", m.lesson.View.Lesson, m.lesson.View.StepIndex+1, m.lesson.View.StepCount)
	}
	if m.busy != "" {
		right = m.busy
	}
	return state.Justify(" "+strings.Join(words, "  "), state.Faint.Paint(right)+" ", m.width)
}

// count is a number of things: "2 faults".
func (m *model) count(n int, thing string) string {
	if m.state.Has(thing) {
		return fmt.Sprint(m.state.Say(thing), " ", n)
	}
	return humanize.Count(n, thing)
}
