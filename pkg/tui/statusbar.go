package tui

import (
	"fmt"
	"strings"

	"github.com/shopctl/shopctl/pkg/humanize"
)

// head is what stands at the top: where one is, how the shop does, and what is broken.
func (m *model) head() []string {
	var lines []string
	if sizeOf(m.width, m.height, m.w.linear) == small {
		lines = append(lines, m.strip())
	} else {
		lines = append(lines, m.status())
	}
	if m.w.down != "" && m.w.status != nil {
		symbol := m.w.broken + " "
		if m.w.linear {
			symbol = ""
		}
		text := " " + symbol + m.w.down + ": what you see is how it was; " + m.w.command("up") + " starts it"
		lines = append(lines, m.w.bad.paint(m.w.fit(text, m.width)))
	}
	if effects := m.w.effects(); len(effects) > 0 {
		text := " " + m.w.alert + " " + effects[0]
		if m.w.linear {
			text = " fault: " + effects[0]
		}
		more := ""
		if len(effects) > 1 {
			more = fmt.Sprintf(" (and %d more) ", len(effects)-1)
		}
		lines = append(lines, m.w.warn.paint(m.w.between(clean(text), more, m.width)))
	}
	return lines
}

// status is the first line of a large screen.
func (m *model) status() string {
	w := m.w
	left := " " + w.accent.paint("shopctl") + "  "
	if m.session != nil {
		v := m.lesson.View
		left += w.faint.paint(v.Track+" > ") + fmt.Sprintf("%d/%d ", v.StepIndex+1, v.StepCount) + clean(v.Title)
	} else {
		left += "dash"
		if url := w.status.GetUrl(); url != "" {
			left += "  " + w.faint.paint(url)
		}
	}
	var right []string
	if m.busy != "" {
		right = append(right, w.info.paint(m.busy))
	}
	right = append(right, m.health()...)
	if w.name != "" {
		right = append(right, w.faint.paint(w.name))
	}
	return w.between(left, "  "+strings.Join(right, "  ")+" ", m.width)
}

// health is how the shop does, in a few words.
func (m *model) health() []string {
	w := m.w
	switch {
	case w.down != "":
		return []string{w.bad.paint("no connection")}
	case w.status == nil:
		return []string{w.faint.paint("waiting")}
	}
	var words []string
	switch ok, all := w.up(); {
	case ok == all && all > 0:
		words = append(words, w.good.paint(fmt.Sprintf("%d up", ok)))
	default:
		words = append(words, w.warn.paint(fmt.Sprintf("%d of %d up", ok, all)))
	}
	for _, s := range w.services() {
		if store(s) && s.GetState() != "ok" {
			words = append(words, w.warn.paint(s.GetName()+" "+s.GetState()))
		}
	}
	if n := len(w.status.GetFaults()); n > 0 {
		words = append(words, w.warn.paint(humanize.Count(n, "fault")))
	}
	if all := w.firing(); len(all) > 0 {
		text := humanize.Count(len(all), "alert")
		if m.width >= 100 {
			text += ": " + w.cut(clean(all[0].GetName()), 30)
		}
		words = append(words, w.bad.paint(text))
	}
	return words
}

// strip is the first line of a small screen.
func (m *model) strip() string {
	w := m.w
	var words []string
	switch {
	case w.down != "":
		words = append(words, w.bad.paint("no connection"))
	case w.status == nil:
		words = append(words, w.faint.paint("waiting for the shop"))
	default:
		ok, all := w.up()
		tone := w.good
		if ok < all {
			tone = w.warn
		}
		words = append(words, tone.paint(fmt.Sprintf("%d/%d ok", ok, all)), "p95 "+humanize.Millis(w.edge()))
		if n := len(w.status.GetFaults()); n > 0 {
			words = append(words, w.warn.paint(fmt.Sprintf("faults %d", n)))
		} else {
			words = append(words, w.faint.paint("faults 0"))
		}
		if n := len(w.firing()); n > 0 {
			words = append(words, w.bad.paint(fmt.Sprintf("alerts %d", n)))
		}
	}
	right := w.name
	if m.session != nil {
		right = fmt.Sprintf("%s %d/%d", m.lesson.View.Lesson, m.lesson.View.StepIndex+1, m.lesson.View.StepCount)
	}
	if m.busy != "" {
		right = m.busy
	}
	return w.between(" "+strings.Join(words, "  "), w.faint.paint(right)+" ", m.width)
}
