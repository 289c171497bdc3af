package style

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// Tone is the look of a piece of text: the sequences before and after it, both empty without color.
type Tone struct{ on, off string }

func (t Tone) Paint(text string) string {
	if t.on == "" || text == "" {
		return text
	}
	return t.on + text + t.off
}

// PaintLines paints every line on its own, because lines are cut and joined separately.
func (t Tone) PaintLines(lines []string) []string {
	painted := make([]string, len(lines))
	for i, line := range lines {
		painted[i] = t.Paint(line)
	}
	return painted
}

// Options select a theme.
type Options struct {
	Color, Dark, ASCII bool
	// Linear is text for screen readers: no boxes, no charts, words for symbols.
	Linear bool
}

// Theme is all colors and symbols. A state is always a word, too.
type Theme struct {
	Options
	glyphs
	Good, Warn, Bad, Info, Faint, Bold, Accent, Code, Heading, Highlighted, Border, Focus Tone
}

func New(l Options) *Theme {
	t := &Theme{Options: l, glyphs: unicodeGlyphs()}
	if l.ASCII || l.Linear {
		t.glyphs = asciiGlyphs()
	}
	if !l.Color {
		return t
	}
	pick := lipgloss.LightDark(l.Dark)
	fore := func(light, dark string) lipgloss.Style {
		return lipgloss.NewStyle().Foreground(pick(lipgloss.Color(light), lipgloss.Color(dark)))
	}
	t.Good = newTone(fore("#276b2b", "#8fbf7f"))
	t.Warn = newTone(fore("#865900", "#e0b35a"))
	t.Bad = newTone(fore("#b3261e", "#e58074"))
	t.Info = newTone(fore("#1f6f8b", "#7fb4c9"))
	t.Faint = newTone(fore("#60646b", "#989ea8"))
	t.Bold = newTone(lipgloss.NewStyle().Bold(true))
	t.Accent = newTone(fore("#355fa8", "#8fb0ea").Bold(true))
	t.Code = newTone(fore("#7a3e9d", "#c9a5e0"))
	t.Heading = newTone(fore("#355fa8", "#8fb0ea").Bold(true))
	t.Highlighted = newTone(lipgloss.NewStyle().Background(pick(lipgloss.Color("#dfe6f3"), lipgloss.Color("#2c3444"))).Bold(true))
	t.Border = newTone(fore("#b6bac2", "#4a505b"))
	t.Focus = newTone(fore("#355fa8", "#8fb0ea"))
	return t
}

// NamedTone is a tone and its name.
type NamedTone struct {
	Tone
	Name string
}

// Palette is every tone with its name. The heading's look is the accent's.
func (t *Theme) Palette() []NamedTone {
	return []NamedTone{
		{t.Good, "good"},
		{t.Warn, "warn"},
		{t.Bad, "bad"},
		{t.Info, "info"},
		{t.Faint, "faint"},
		{t.Bold, "bold"},
		{t.Accent, "accent"},
		{t.Code, "code"},
		{t.Highlighted, "selected"},
		{t.Border, "border"},
		{t.Focus, "focus"},
	}
}

// newTone keeps the sequences that a style renders, so that drawing is only joining strings.
func newTone(s lipgloss.Style) Tone {
	on, off, _ := strings.Cut(s.Render("x"), "x")
	return Tone{on: on, off: off}
}

// glyphs are the characters that have a replacement in ASCII.
type glyphs struct {
	corners                        [4]string // top left, top right, bottom left, bottom right
	Horizontal, Vertical           string
	heavyCorners                   [4]string
	HeavyHorizontal, HeavyVertical string
	OK, Alert, Broken              string
	off, Waiting, Mark             string
	bullet, Ellipsis, Dash         string
	Arrow, Gutter                  string
	Bar                            string
}

func unicodeGlyphs() glyphs {
	return glyphs{
		corners: [4]string{"╭", "╮", "╰", "╯"}, Horizontal: "─", Vertical: "│",
		heavyCorners: [4]string{"┏", "┓", "┗", "┛"}, HeavyHorizontal: "━", HeavyVertical: "┃",
		OK: "●", Alert: "▲", Broken: "✗", off: "○", Waiting: "·", Mark: "▸",
		bullet: "•", Ellipsis: "…", Dash: "–", Arrow: "→", Gutter: "▏", Bar: "█",
	}
}

func asciiGlyphs() glyphs {
	return glyphs{
		corners: [4]string{"+", "+", "+", "+"}, Horizontal: "-", Vertical: "|",
		heavyCorners: [4]string{"#", "#", "#", "#"}, HeavyHorizontal: "=", HeavyVertical: "#",
		OK: "*", Alert: "!", Broken: "x", off: "o", Waiting: ".", Mark: ">",
		bullet: "*", Ellipsis: "~", Dash: "-", Arrow: "->", Gutter: "|", Bar: "#",
	}
}

// StateFault is the state that is shown for a service that is healthy except for an injected fault.
const StateFault = "fault"

// State is the state of a service or an instance: symbol, word and color.
func (t *Theme) State(word string) string {
	tone, symbol := t.stateTone(word)
	if t.Linear {
		return tone.Paint(word)
	}
	return tone.Paint(symbol + " " + word)
}

func (t *Theme) stateTone(word string) (Tone, string) {
	switch word {
	case "ok", "ready":
		return t.Good, t.OK
	case "starting", "updating", "degraded", "paused", "stopping", "unready", StateFault:
		return t.Warn, t.Alert
	case "unhealthy", "crashloop", "backoff", "exited":
		return t.Bad, t.Broken
	default:
		return t.Faint, t.off
	}
}

// Level is the color of a log level.
func (t *Theme) Level(word string) Tone {
	switch word {
	case "error":
		return t.Bad
	case "warn":
		return t.Warn
	case "info":
		return t.Info
	default:
		return t.Faint
	}
}

// AlertState is the state of an alert: symbol, word and color.
func (t *Theme) AlertState(word string) string {
	tone, symbol := t.Faint, t.off
	switch word {
	case "firing":
		tone, symbol = t.Bad, t.Broken
	case "pending":
		tone, symbol = t.Warn, t.Alert
	case "resolved", "inactive":
		tone, symbol = t.Good, t.OK
	}
	if t.Linear {
		return tone.Paint(t.Fit(word, 10))
	}
	return tone.Paint(t.Fit(symbol+" "+word, 10))
}
