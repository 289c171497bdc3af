package tui

import (
	"time"

	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// kept is how many lines a pane remembers.
const kept = 2000

// entry is one line of a growing text: what is drawn, and what a filter looks at.
type entry struct {
	at    time.Time // zero where it is not known
	plain string
	draw  func(t *theme, width int) string
}

func plainEntry(text string) entry {
	text = clean(text)
	return entry{plain: text, draw: func(*theme, int) string { return text }}
}

func commandEntry(line string) entry {
	line = clean(line)
	return entry{plain: "$ " + line, draw: func(t *theme, _ int) string { return t.faint.paint("$ ") + t.code.paint(line) }}
}

// logEntry draws a log record; named puts the service before it, where lines of several stand together.
func logEntry(line *controlpb.LogLine, zone *time.Location, named bool) entry {
	when := line.GetTime().AsTime().In(zone).Format("15:04:05.000")
	level, message := clean(line.GetLevel()), clean(line.GetMessage())
	fields := ""
	if message == "" {
		message = clean(line.GetRaw())
	} else {
		fields = clean(control.LogFields(line.GetRaw()))
	}
	service := ""
	if named {
		service = clean(line.GetService())
	}
	return entry{
		at:    line.GetTime().AsTime(),
		plain: when + " " + service + " " + level + " " + message + " " + fields,
		draw: func(t *theme, width int) string {
			clock := when
			if width < 60 {
				clock = when[:8]
			}
			text := t.faint.paint(clock) + " " + t.level(level).paint(t.fit(level, 5)) + " "
			if named {
				text += t.fit(service, 14) + " "
			}
			text += message
			if fields != "" {
				text += " " + t.faint.paint(fields)
			}
			return text
		},
	}
}

func eventEntry(e *controlpb.Event, zone *time.Location) entry {
	when := e.GetTime().AsTime().In(zone).Format("15:04:05")
	service, reason, message := clean(e.GetService()), clean(e.GetReason()), clean(e.GetMessage())
	warning := e.GetType() == "Warning"
	return entry{
		plain: when + " " + e.GetType() + " " + reason + " " + service + " " + message,
		draw: func(t *theme, width int) string {
			tone, symbol := t.info, t.ok
			if warning {
				tone, symbol = t.warn, t.alert
			}
			if t.linear {
				symbol = e.GetType()
			}
			wide := 15
			if width < 60 {
				wide = 10
			}
			return t.faint.paint(when) + " " + tone.paint(symbol+" "+t.fit(reason, wide)) + " " + t.fit(service, 14) + " " + message
		},
	}
}
