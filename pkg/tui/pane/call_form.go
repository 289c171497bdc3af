package pane

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/style"
	"github.com/shopctl/shopctl/pkg/tui/textedit"
)

// callForm is the request of a method, and what came of sending it.
type callForm struct {
	request  textedit.Area
	deadline time.Duration
	// proto is the path of a file that describes the service, empty for its own word.
	proto string
	// at is the part that enter acts on.
	at      Part
	editing bool
	sending bool
	// number names the last call; reply is nil until it has ended, answer holds the lines of its messages.
	seq      int
	result   *CallResult
	response []string
	scroll   style.Viewport
	// below is how many lines one has scrolled on from the last part.
	below int
	// reveal says that the part must come into view; cursor is where the cursor stands in the pane.
	reveal           bool
	cursorX, cursorY int
}

// part is a part of the form.
type Part int

const (
	partRequest Part = iota
	PartDeadline
	PartSend
	PartTrace
)

func newCallForm(request string) callForm {
	return callForm{request: textedit.NewArea(request), deadline: defaultDeadline, reveal: true}
}

// last is the last part that there is.
func (f *callForm) lastPart() Part {
	if f.result != nil && f.result.Trace != "" {
		return PartTrace
	}
	return PartSend
}

// Scroll goes over the parts, and from the last one on through the answer.
func (f *callForm) Scroll(lines int) {
	if lines < 0 {
		back := min(-lines, f.below)
		f.scroll.ScrollBy(-back, false)
		f.below -= back
		step := min(Part(-lines-back), f.at)
		f.at, f.reveal = f.at-step, step > 0
		return
	}
	step := min(Part(lines), f.lastPart()-f.at)
	f.at, f.reveal = f.at+step, step > 0
	if rest := lines - int(step); rest > 0 {
		top := f.scroll.Top
		f.scroll.ScrollBy(rest, false)
		f.below, f.reveal = f.below+f.scroll.Top-top, f.reveal && f.scroll.Top == top
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
func (f *callForm) addResponse(lines []string) {
	f.response = append(f.response, lines...)
	f.response = f.response[max(0, len(f.response)-feed.MaxEntries):]
}

// take shows the end of a call.
func (f *callForm) apply(a CallResult) {
	if a.Seq == f.seq {
		f.sending, f.result = false, &a
	}
}

// labelled is as wide as the names of the parts.
const labelWidth = 10

// render draws the form.
func (f *callForm) render(p *Call, width, height int) string {
	state := p.state
	lines := state.commandLines(p.Command(), width)
	from, to := 0, 0
	add := func(of Part, name string, rows []string) {
		mark := "  "
		if of == f.at {
			mark, from, to = state.Accent.Paint(state.Mark+" "), len(lines), len(lines)+len(rows)
		}
		for i, row := range rows {
			label := style.Spaces(2 + labelWidth)
			if i == 0 {
				label = mark + state.Faint.Paint(state.Fit(name, labelWidth))
			}
			lines = append(lines, state.Truncate(label+row, width))
		}
	}
	typed, x, y := f.request.View(max(width-2-labelWidth, 1))
	if p.fail != "" {
		typed = append(typed, state.Warn.PaintLines(style.Wrap(p.fail, max(width-2-labelWidth, 1)))...)
	}
	begin := len(lines)
	add(partRequest, "request", typed)
	add(PartDeadline, "deadline", []string{f.deadline.String()})
	add(PartSend, "send", []string{f.state(state)})
	if f.result != nil && f.result.Trace != "" {
		add(PartTrace, "trace", []string{f.result.Trace + state.Faint.Paint("  enter opens it")})
	}
	lines = append(lines, f.responseLines(state, width)...)
	if f.editing {
		from, to = begin+y, begin+y+1
	}
	f.scroll.Window(len(lines), height)
	if f.reveal || f.editing {
		f.scroll.Reveal(from, to)
		f.reveal = false
	}
	first, last := f.scroll.Window(len(lines), height)
	f.cursorX, f.cursorY = 2+labelWidth+x, begin+y-first
	return strings.Join(lines[first:last], "\n")
}

// state is what there is to say of sending.
func (f *callForm) state(state *State) string {
	switch {
	case f.sending:
		return state.Info.Paint("sent, waiting; ctrl+c ends it")
	case f.result == nil:
		return state.Faint.Paint("ctrl+s, or enter here")
	case f.result.Failure != "":
		return state.Bad.Paint("not sent")
	case f.result.status == "OK":
		return state.result(state.Good, state.OK, f.result)
	}
	return state.result(state.Bad, state.Broken, f.result)
}

func (state *State) result(tone style.Tone, symbol string, a *CallResult) string {
	text := symbol + " " + a.status
	if state.Linear {
		text = a.status
	}
	return tone.Paint(text) + fmt.Sprintf(" in %s", humanize.Duration(a.took))
}

// said is what the service answered, or why it was not asked.
func (f *callForm) responseLines(state *State, width int) []string {
	var lines []string
	if f.result != nil {
		for _, text := range []string{f.result.Failure, f.result.message} {
			if text != "" {
				lines = append(lines, style.Prefix("  ", state.Bad.PaintLines(style.Wrap(text, max(width-2, 1))))...)
			}
		}
		for _, line := range f.result.details {
			lines = append(lines, state.Truncate("  "+line, width))
		}
	}
	for _, line := range f.response {
		lines = append(lines, state.Truncate("  "+line, width))
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
