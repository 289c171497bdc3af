package tui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/tui/textedit"
)

// callForm is the request of a method, and what came of sending it.
type callForm struct {
	request  textedit.Area
	deadline time.Duration
	// proto is the path of a file that describes the service, empty for its own word.
	proto string
	// at is the part that enter acts on.
	at      part
	editing bool
	sending bool
	// number names the last call; reply is nil until it has ended, answer holds the lines of its messages.
	number int
	reply  *answered
	answer []string
	scroll scroll
	// below is how many lines one has scrolled on from the last part.
	below int
	// reveal says that the part must come into view; cursor is where the cursor stands in the pane.
	reveal           bool
	cursorX, cursorY int
}

// part is a part of the form.
type part int

const (
	partRequest part = iota
	partDeadline
	partSend
	partTrace
)

func newCallForm(request string) callForm {
	return callForm{request: textedit.NewArea(request), deadline: defaultDeadline, reveal: true}
}

// last is the last part that there is.
func (f *callForm) last() part {
	if f.reply != nil && f.reply.trace != "" {
		return partTrace
	}
	return partSend
}

// Scroll goes over the parts, and from the last one on through the answer.
func (f *callForm) Scroll(lines int) {
	if lines < 0 {
		back := min(-lines, f.below)
		f.scroll.by(-back, false)
		f.below -= back
		step := min(part(-lines-back), f.at)
		f.at, f.reveal = f.at-step, step > 0
		return
	}
	step := min(part(lines), f.last()-f.at)
	f.at, f.reveal = f.at+step, step > 0
	if rest := lines - int(step); rest > 0 {
		top := f.scroll.top
		f.scroll.by(rest, false)
		f.below, f.reveal = f.below+f.scroll.top-top, f.reveal && f.scroll.top == top
	}
}

// compact is the request in one line, as a command line takes it.
func (f *callForm) compact() string {
	text := f.request.String()
	var out bytes.Buffer
	if json.Compact(&out, []byte(text)) == nil {
		return out.String()
	}
	return strings.Join(strings.Fields(text), " ")
}

func (f *callForm) command(service, method string) string {
	line := "call " + service + " " + method
	if text := f.compact(); text != "" {
		line += " '" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	if f.proto != "" {
		line += " --proto " + f.proto
	}
	return line + " --deadline " + f.deadline.String() + " --trace"
}

// add shows more of an answer.
func (f *callForm) add(lines []string) {
	f.answer = append(f.answer, lines...)
	f.answer = f.answer[max(0, len(f.answer)-kept):]
}

// take shows the end of a call.
func (f *callForm) take(a answered) {
	if a.number == f.number {
		f.sending, f.reply = false, &a
	}
}

// labelled is as wide as the names of the parts.
const labelled = 10

// render draws the form.
func (f *callForm) render(p *callPane, width, height int) string {
	w := p.w
	lines := w.commandLines(p.Command(), width)
	from, to := 0, 0
	add := func(of part, name string, rows []string) {
		mark := "  "
		if of == f.at {
			mark, from, to = w.accent.paint(w.mark+" "), len(lines), len(lines)+len(rows)
		}
		for i, row := range rows {
			label := spaces(2 + labelled)
			if i == 0 {
				label = mark + w.faint.paint(w.fit(name, labelled))
			}
			lines = append(lines, w.cut(label+row, width))
		}
	}
	typed, x, y := f.request.View(max(width-2-labelled, 1))
	if p.fail != "" {
		typed = append(typed, w.warn.each(wrap(p.fail, max(width-2-labelled, 1)))...)
	}
	begin := len(lines)
	add(partRequest, "request", typed)
	add(partDeadline, "deadline", []string{f.deadline.String()})
	add(partSend, "send", []string{f.state(w)})
	if f.reply != nil && f.reply.trace != "" {
		add(partTrace, "trace", []string{f.reply.trace + w.faint.paint("  enter opens it")})
	}
	lines = append(lines, f.said(w, width)...)
	if f.editing {
		from, to = begin+y, begin+y+1
	}
	f.scroll.window(len(lines), height)
	if f.reveal || f.editing {
		f.scroll.reveal(from, to)
		f.reveal = false
	}
	first, last := f.scroll.window(len(lines), height)
	f.cursorX, f.cursorY = 2+labelled+x, begin+y-first
	return strings.Join(lines[first:last], "\n")
}

// state is what there is to say of sending.
func (f *callForm) state(w *world) string {
	switch {
	case f.sending:
		return w.info.paint("sent, waiting; ctrl+c ends it")
	case f.reply == nil:
		return w.faint.paint("ctrl+s, or enter here")
	case f.reply.fail != "":
		return w.bad.paint("not sent")
	case f.reply.status == "OK":
		return w.result(w.good, w.ok, f.reply)
	}
	return w.result(w.bad, w.broken, f.reply)
}

func (w *world) result(tone tone, symbol string, a *answered) string {
	text := symbol + " " + a.status
	if w.linear {
		text = a.status
	}
	return tone.paint(text) + fmt.Sprintf(" in %s", humanize.Duration(a.took))
}

// said is what the service answered, or why it was not asked.
func (f *callForm) said(w *world, width int) []string {
	var lines []string
	if f.reply != nil {
		for _, text := range []string{f.reply.fail, f.reply.message} {
			if text != "" {
				lines = append(lines, prefixed("  ", w.bad.each(wrap(text, max(width-2, 1))))...)
			}
		}
		for _, line := range f.reply.details {
			lines = append(lines, w.cut("  "+line, width))
		}
	}
	for _, line := range f.answer {
		lines = append(lines, w.cut("  "+line, width))
	}
	return lines
}

// indentJSON writes JSON over several lines; what is none stays as it is.
func indentJSON(text string) string {
	var out bytes.Buffer
	if json.Indent(&out, []byte(text), "", "  ") != nil {
		return text
	}
	return out.String()
}
