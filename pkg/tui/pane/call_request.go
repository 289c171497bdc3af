package pane

import (
	"cmp"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/call"
)

// Open goes to a request that is filled in already. The service need not be running: the call reports that.
func (p *Call) Open(service, method, request string, deadline time.Duration, proto string) {
	p.Choose(service)
	p.Service = service
	p.Fill(method, indentJSON(cmp.Or(request, "{}")))
	p.form.deadline, p.form.proto, p.form.at = cmp.Or(deadline, p.form.deadline), proto, PartSend
}

// FillKept goes to the request of a method as it was left; false if it has never been filled in.
func (p *Call) FillKept(method string) bool {
	p.Fill(method, p.saved[p.Service+" "+method])
	return p.form.request.String() != ""
}

// InForm reports whether a request is shown.
func (p *Call) InForm() bool { return p.Depth() == 2 }

// Part is the part of the request with the cursor.
func (p *Call) Part() Part { return p.form.at }

// Editing reports whether keys are typed into the request.
func (p *Call) Editing() bool { return p.form.editing }

// Edit begins or ends editing.
func (p *Call) Edit(on bool) { p.form.editing = on }

// EditKey applies a key to the request.
func (p *Call) EditKey(k tea.KeyPressMsg) { p.form.request.Key(k) }

// Insert adds pasted text to the request.
func (p *Call) Insert(text string) { p.form.request.Insert(text) }

// Cursor is the column and the row of the text cursor in the pane.
func (p *Call) Cursor() (column, row int) { return p.form.cursorX, p.form.cursorY }

// Deadline is the deadline of the call.
func (p *Call) Deadline() time.Duration { return p.form.deadline }

// SetDeadline changes the deadline of the call.
func (p *Call) SetDeadline(d time.Duration) { p.form.deadline = d }

// Sending reports whether a call is in progress.
func (p *Call) Sending() bool { return p.form.sending }

// TraceID is the id of the last call's trace, empty while there is none.
func (p *Call) TraceID() string {
	if p.form.result == nil {
		return ""
	}
	return p.form.result.Trace
}

// Send returns the request as it is filled in. The pane then waits for the response to the call with this number.
func (p *Call) Send(number int) call.Request {
	f := &p.form
	f.seq, f.sending, f.editing, f.result, f.response = number, true, false, nil, nil
	f.at, f.reveal, f.below = PartSend, true, 0
	return call.Request{
		Target: call.Target{Files: call.ProtoFile(f.proto)}, Method: p.method, Messages: strings.NewReader(f.request.String()), Deadline: f.deadline, Trace: true,
	}
}

// AddResponse shows more lines of the response to a call.
func (p *Call) AddResponse(number int, lines []string) {
	if number == p.form.seq {
		p.form.addResponse(lines)
	}
}

// ApplyResult shows the end of a call.
func (p *Call) ApplyResult(a CallResult) { p.form.apply(a) }
