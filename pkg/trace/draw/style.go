// Package draw writes traces for terminals: as a waterfall, as a sequence, and two of them side by side.
// The command line and the terminal UI share it. What spans say of themselves is foreign text: control
// characters never reach the terminal.
package draw

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopctl/shopctl/pkg/cells"
	"github.com/shopctl/shopctl/pkg/printable"
	"github.com/shopctl/shopctl/pkg/trace"
)

// Tone is the meaning of a color.
type Tone int

// The tones. Text never relies on a tone alone.
const (
	Plain Tone = iota
	Good
	Warn
	Bad
	Info
	Faint
	Bold
	// Path is for what lies on the critical path.
	Path
)

// Style is how to write.
type Style struct {
	// ASCII allows no characters beyond it.
	ASCII bool
	// Linear is text for screen readers: words in place of bars and lines.
	Linear bool
	// Paint colors text; nil leaves it as it is.
	Paint func(Tone, string) string
	// Name maps the service.name of spans to the short name of the service; nil: the same.
	Name func(service string) string
}

func (s Style) paint(t Tone, text string) string {
	if s.Paint == nil || text == "" {
		return text
	}
	return s.Paint(t, text)
}

// name is the displayed name of a service, in clean text.
func (s Style) name(service string) string {
	if s.Name != nil {
		service = s.Name(service)
	}
	if service == "" {
		service = "unnamed"
	}
	return Clean(service)
}

// Label is service and operation of a span.
func (s Style) Label(r trace.Record) string {
	return s.name(r.Service) + " " + Clean(r.Operation())
}

// place is a label that separates a call from what it calls: the time that is a call's own is spent between the
// two services.
func (s Style) place(span *trace.Span) string {
	if span.Kind == trace.Client {
		return s.Label(span.Record) + " (call)"
	}
	return s.Label(span.Record)
}

// maxClean bounds foreign text: more of it is not readable on one line.
const maxClean = 200

// Clean makes foreign text one printable line, and cuts it.
func Clean(text string) string {
	if len(text) > 4*maxClean {
		end := 4 * maxClean
		for !utf8.RuneStart(text[end]) && end > 0 {
			end--
		}
		text = text[:end]
	}
	return cells.Truncate(printable.Line(text), maxClean, "...")
}

// pad cuts or fills text to a width in cells.
func pad(text string, width int) string {
	if w := cells.Width(text); w < width {
		return text + strings.Repeat(" ", width-w)
	}
	return cells.Truncate(text, width, "")
}

// Duration writes the time of a span: "310µs", "4.2ms", "48ms", "2.91s". Two spans of a trace are compared by it, which
// takes a digit more than humanize.Duration has for tables. ASCII writes us.
func (s Style) Duration(d time.Duration) string {
	micro := "µs"
	if s.ASCII {
		micro = "us"
	}
	switch abs := d.Abs(); {
	case abs < time.Millisecond:
		return fmt.Sprintf("%d%s", d.Microseconds(), micro)
	case abs < 10*time.Millisecond:
		return fmt.Sprintf("%.1fms", float64(d)/1e6)
	case abs < time.Second:
		return fmt.Sprintf("%.0fms", float64(d)/1e6)
	case abs < time.Minute:
		return fmt.Sprintf("%.2fs", d.Seconds())
	default:
		return d.Round(time.Second).String()
	}
}

// Took is how long a span lasted, if that is known.
func (s Style) Took(span *trace.Span) string {
	if !span.Timed() {
		return "unknown"
	}
	return s.Duration(span.Duration())
}

func (s Style) signed(d time.Duration) string {
	if d < 0 {
		return "-" + s.Duration(-d)
	}
	return "+" + s.Duration(d)
}

// cut marks text that continues.
func (s Style) cut() string {
	if s.ASCII {
		return ".."
	}
	return "…"
}
