package pane

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/shellword"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/style"
	"github.com/shopctl/shopctl/pkg/tui/textedit"
)

// callForm is the request of a method, and the response.
type callForm struct {
	request  textedit.Area
	deadline time.Duration
	// proto is the path of a file that describes the service, empty to use the descriptors of the service itself.
	proto string
	// at is the part with the cursor, which enter acts on.
	at      Part
	editing bool
	sending bool
	// seq is the number of the last call; result is nil until it has ended, and response is the lines of its
	// messages.
	seq      int
	result   *CallResult
	response []string
	scroll   style.Viewport
	// below is how many lines the view was scrolled beyond the last part.
	below int
	// reveal brings the part with the cursor into view; cursorX and cursorY are the cell of the text cursor in the
	// pane.
	reveal           bool
	cursorX, cursorY int
}

// Part is a part of the form.
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

// lastPart is the last part of the form as it is now.
func (f *callForm) lastPart() Part {
	if f.result != nil && f.result.Trace != "" {
		return PartTrace
	}
	return PartSend
}

// Scroll goes through the parts, and after the last one through the response.
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

// compact is the request in one line, for a command line.
func (f *callForm) compact() string {
	text := f.request.String()
	var out bytes.Buffer
	if json.Compact(&out, []byte(text)) == nil {
		return out.String()
	}
	return strings.Join(strings.Fields(text), " ")
}

func (f *callForm) command(service, method string) string {
	words := []string{"call", service, method}
	if text := f.compact(); text != "" {
		words = append(words, text)
	}
	if f.proto != "" {
		words = append(words, "--proto", f.proto)
	}
	return shellword.Join(append(words, "--deadline", f.deadline.String(), "--trace")...)
}

// addResponse shows more of the response.
func (f *callForm) addResponse(lines []string) {
	f.response = append(f.response, lines...)
	f.response = f.response[max(0, len(f.response)-feed.MaxEntries):]
}

// apply shows the end of a call.
func (f *callForm) apply(a CallResult) {
	if a.Seq == f.seq {
		f.sending, f.result = false, &a
	}
}

// labelWidth is the width of the column of labels.
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

// state is the status of the call.
func (f *callForm) state(state *State) string {
	switch {
	case f.sending:
		return state.Info.Paint("sent, waiting; ctrl+c cancels it")
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

// responseLines is the response, or why there is none.
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

// indentJSON writes JSON over several lines; text that is not JSON stays as it is.
func indentJSON(text string) string {
	var out bytes.Buffer
	if json.Indent(&out, []byte(text), "", "  ") != nil {
		return text
	}
	return out.String()
}
