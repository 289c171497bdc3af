package tui

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// tone is the look of a piece of text: the sequences before and behind it, both empty without colour.
type tone struct{ on, off string }

func (t tone) paint(text string) string {
	if t.on == "" || text == "" {
		return text
	}
	return t.on + text + t.off
}

// each paints every line on its own, as lines are cut and joined on their own.
func (t tone) each(lines []string) []string {
	painted := make([]string, len(lines))
	for i, line := range lines {
		painted[i] = t.paint(line)
	}
	return painted
}

// look is what a theme is made from.
type look struct {
	color, dark, ascii bool
	// linear is text for screen readers: no boxes, no charts, words for symbols.
	linear bool
}

// theme is every colour and every symbol. State is always a word, too.
type theme struct {
	look
	glyphs
	good, warn, bad, info, faint, bold, accent, code, heading, chosen, border, focus tone
}

func newTheme(l look) *theme {
	t := &theme{look: l, glyphs: unicodeGlyphs()}
	if l.ascii || l.linear {
		t.glyphs = asciiGlyphs()
	}
	if !l.color {
		return t
	}
	pick := lipgloss.LightDark(l.dark)
	fore := func(light, dark string) lipgloss.Style {
		return lipgloss.NewStyle().Foreground(pick(lipgloss.Color(light), lipgloss.Color(dark)))
	}
	t.good = newTone(fore("#276b2b", "#8fbf7f"))
	t.warn = newTone(fore("#865900", "#e0b35a"))
	t.bad = newTone(fore("#b3261e", "#e58074"))
	t.info = newTone(fore("#1f6f8b", "#7fb4c9"))
	t.faint = newTone(fore("#60646b", "#989ea8"))
	t.bold = newTone(lipgloss.NewStyle().Bold(true))
	t.accent = newTone(fore("#355fa8", "#8fb0ea").Bold(true))
	t.code = newTone(fore("#7a3e9d", "#c9a5e0"))
	t.heading = newTone(fore("#355fa8", "#8fb0ea").Bold(true))
	t.chosen = newTone(lipgloss.NewStyle().Background(pick(lipgloss.Color("#dfe6f3"), lipgloss.Color("#2c3444"))).Bold(true))
	t.border = newTone(fore("#b6bac2", "#4a505b"))
	t.focus = newTone(fore("#355fa8", "#8fb0ea"))
	return t
}

// namedTone is a tone and what it is called.
type namedTone struct {
	tone
	name string
}

// palette is every tone by its name. The heading's look is the accent's.
func (t *theme) palette() []namedTone {
	return []namedTone{
		{t.good, "good"},
		{t.warn, "warn"},
		{t.bad, "bad"},
		{t.info, "info"},
		{t.faint, "faint"},
		{t.bold, "bold"},
		{t.accent, "accent"},
		{t.code, "code"},
		{t.chosen, "chosen"},
		{t.border, "border"},
		{t.focus, "focus"},
	}
}

// newTone keeps the sequences that a style renders, so that drawing only joins strings.
func newTone(s lipgloss.Style) tone {
	on, off, _ := strings.Cut(s.Render("x"), "x")
	return tone{on: on, off: off}
}

// glyphs are the characters that have a spelling in ASCII.
type glyphs struct {
	corners            [4]string // top left, top right, bottom left, bottom right
	across, down       string
	heavyCorners       [4]string
	heavyAcross, heavy string
	ok, alert, broken  string
	off, waiting, mark string
	bullet, more, dash string
	arrow, scrollMark  string
	bar                string
}

func unicodeGlyphs() glyphs {
	return glyphs{
		corners: [4]string{"╭", "╮", "╰", "╯"}, across: "─", down: "│",
		heavyCorners: [4]string{"┏", "┓", "┗", "┛"}, heavyAcross: "━", heavy: "┃",
		ok: "●", alert: "▲", broken: "✗", off: "○", waiting: "·", mark: "▸",
		bullet: "•", more: "…", dash: "–", arrow: "→", scrollMark: "▏", bar: "█",
	}
}

func asciiGlyphs() glyphs {
	return glyphs{
		corners: [4]string{"+", "+", "+", "+"}, across: "-", down: "|",
		heavyCorners: [4]string{"#", "#", "#", "#"}, heavyAcross: "=", heavy: "#",
		ok: "*", alert: "!", broken: "x", off: "o", waiting: ".", mark: ">",
		bullet: "*", more: "~", dash: "-", arrow: "->", scrollMark: "|", bar: "#",
	}
}

// stateFault is the state that is shown for a service that is healthy apart from an injected fault.
const stateFault = "fault"

// state is how a service or an instance does: symbol, word and colour.
func (t *theme) state(word string) string {
	tone, symbol := t.stateLook(word)
	if t.linear {
		return tone.paint(word)
	}
	return tone.paint(symbol + " " + word)
}

func (t *theme) stateLook(word string) (tone, string) {
	switch word {
	case "ok", "ready":
		return t.good, t.ok
	case "starting", "updating", "degraded", "paused", "stopping", "unready", stateFault:
		return t.warn, t.alert
	case "unhealthy", "crashloop", "backoff", "exited":
		return t.bad, t.broken
	default:
		return t.faint, t.off
	}
}

// level is the colour of a log level.
func (t *theme) level(word string) tone {
	switch word {
	case "error":
		return t.bad
	case "warn":
		return t.warn
	case "info":
		return t.info
	default:
		return t.faint
	}
}

// alertState is a state of an alert: symbol, word and colour.
func (t *theme) alertState(word string) string {
	tone, symbol := t.faint, t.off
	switch word {
	case "firing":
		tone, symbol = t.bad, t.broken
	case "pending":
		tone, symbol = t.warn, t.alert
	case "resolved", "inactive":
		tone, symbol = t.good, t.ok
	}
	if t.linear {
		return tone.paint(t.fit(word, 10))
	}
	return tone.paint(t.fit(symbol+" "+word, 10))
}
