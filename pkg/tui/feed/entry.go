package feed

import (
	"time"

	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// MaxEntries is how many lines a pane keeps.
const MaxEntries = 2000

// Entry is one line of a growing text: what is drawn, and what a filter searches.
type Entry struct {
	At    time.Time // zero if unknown
	Plain string
	Draw  func(t *style.Theme, width int) string
}

func TextEntry(text string) Entry {
	text = style.Clean(text)
	return Entry{Plain: text, Draw: func(*style.Theme, int) string { return text }}
}

func CommandEntry(line string) Entry {
	line = style.Clean(line)
	return Entry{Plain: "$ " + line, Draw: func(t *style.Theme, _ int) string { return t.Faint.Paint("$ ") + t.Code.Paint(line) }}
}

// LogEntry draws a log record; named puts the service before it, for logs of several services.
func LogEntry(line *controlpb.LogLine, zone *time.Location, named bool) Entry {
	when := line.GetTime().AsTime().In(zone).Format("15:04:05.000")
	level, message := style.Clean(line.GetLevel()), style.Clean(line.GetMessage())
	fields := ""
	if message == "" {
		message = style.Clean(line.GetRaw())
	} else {
		fields = style.Clean(control.LogFields(line.GetRaw()))
	}
	service := ""
	if named {
		service = style.Clean(line.GetService())
	}
	return Entry{
		At:    line.GetTime().AsTime(),
		Plain: when + " " + service + " " + level + " " + message + " " + fields,
		Draw: func(t *style.Theme, width int) string {
			clock := when
			if width < 60 {
				clock = when[:8]
			}
			text := t.Faint.Paint(clock) + " " + t.Level(level).Paint(t.Fit(level, 5)) + " "
			if named {
				text += t.Fit(service, 14) + " "
			}
			text += message
			if fields != "" {
				text += " " + t.Faint.Paint(fields)
			}
			return text
		},
	}
}

func EventEntry(e *controlpb.Event, zone *time.Location) Entry {
	when := e.GetTime().AsTime().In(zone).Format("15:04:05")
	service, reason, message := style.Clean(e.GetService()), style.Clean(e.GetReason()), style.Clean(e.GetMessage())
	warning := e.GetType() == "Warning"
	return Entry{
		Plain: when + " " + e.GetType() + " " + reason + " " + service + " " + message,
		Draw: func(t *style.Theme, width int) string {
			tone, symbol := t.Info, t.OK
			if warning {
				tone, symbol = t.Warn, t.Alert
			}
			if t.Linear {
				symbol = e.GetType()
			}
			wide := 15
			if width < 60 {
				wide = 10
			}
			return t.Faint.Paint(when) + " " + tone.Paint(symbol+" "+t.Fit(reason, wide)) + " " + t.Fit(service, 14) + " " + message
		},
	}
}
