package pane

import (
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/call"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/style"
	"github.com/shopctl/shopctl/pkg/tui/textedit"
)

// defaultDeadline is the deadline of a call until another one is set.
const defaultDeadline = 5 * time.Second

// Call calls a method: the user selects a service, then one of its methods, and then fills in the request.
type Call struct {
	state           *State
	Service         string // empty while the user selects one
	methods         []call.Method
	method          string // empty while the user selects one
	fail            string // why there are no methods, or no request
	style.Selection        // of a service or a method
	filter          string
	form            callForm
	// saved are the requests that were filled in, by service and method.
	saved map[string]string
}

func NewCall(state *State) *Call { return &Call{state: state, saved: map[string]string{}} }

// services are the services with gRPC.
func (p *Call) services() []*controlpb.Service {
	var all []*controlpb.Service
	for _, s := range p.state.Services() {
		if s.GetProtocol() == "grpc" && style.ContainsFold(s.GetName(), p.filter) {
			all = append(all, s)
		}
	}
	return all
}

func (p *Call) shownMethods() []call.Method {
	return slices.DeleteFunc(slices.Clone(p.methods), func(m call.Method) bool { return !style.ContainsFold(m.Signature(), p.filter) })
}

// Choose goes to the methods of a service; false if it has no gRPC.
func (p *Call) Choose(service string) bool {
	p.save()
	p.Service, p.method, p.methods, p.fail, p.filter, p.At = "", "", nil, "", "", 0
	i := slices.IndexFunc(p.services(), func(s *controlpb.Service) bool { return s.GetName() == service })
	if i < 0 {
		return false
	}
	p.Service = service
	return true
}

// Fill goes to the request of a method.
func (p *Call) Fill(method, request string) {
	p.method, p.filter, p.fail = method, "", ""
	p.form = newCallForm(request)
}

// save keeps the request for later.
func (p *Call) save() {
	if p.method != "" {
		p.saved[p.Service+" "+p.method] = p.form.request.String()
	}
	p.form.editing = false
}

// ApplyContract shows the methods of a service, or the empty request of one of them.
func (p *Call) ApplyContract(k Contract) {
	switch {
	case k.Service != p.Service:
		return
	case k.Err != nil:
		p.fail = feed.ErrorText(k.Err)
	case k.Method == "":
		p.methods, p.fail = k.Methods, ""
	case k.Method == p.method && p.form.request.String() == "":
		p.form.request = textedit.NewArea(k.Template)
	}
}

// Depth is 0 in the list of services, 1 in the methods of one, 2 in a request.
func (p *Call) Depth() int {
	switch {
	case p.Service == "":
		return 0
	case p.method == "":
		return 1
	}
	return 2
}

// Out goes one level up; false in the list of services.
func (p *Call) Out() bool {
	p.save()
	switch p.Depth() {
	case 0:
		return false
	case 1:
		p.At = max(0, slices.IndexFunc(p.services(), func(s *controlpb.Service) bool { return s.GetName() == p.Service }))
		p.Service, p.methods = "", nil
	default:
		p.At = max(0, slices.IndexFunc(p.methods, func(m call.Method) bool { return m.Short == p.method }))
		p.method = ""
	}
	p.fail = ""
	return true
}

// Chosen is the service or the method at the cursor; empty if there is none.
func (p *Call) Chosen() string {
	switch p.Depth() {
	case 0:
		if all := p.services(); p.At < len(all) {
			return all[p.At].GetName()
		}
	case 1:
		if all := p.shownMethods(); p.At < len(all) {
			return all[p.At].Short
		}
	}
	return ""
}

// Scroll moves the cursor, or goes through the parts of a request.
func (p *Call) Scroll(lines int) {
	rows := len(p.services())
	switch p.Depth() {
	case 2:
		p.form.Scroll(lines)
		return
	case 1:
		rows = len(p.shownMethods())
	}
	p.At = min(max(p.At+lines, 0), max(rows-1, 0))
}

// Filter returns the filter of a list; a request has none.
func (p *Call) Filter() *string {
	if p.Depth() == 2 {
		return nil
	}
	return &p.filter
}

// Position describes which part is in view.
func (p *Call) Position() string {
	if p.Depth() == 2 {
		return p.form.scroll.Position()
	}
	return p.Viewport.Position()
}

// About is the service and the method, for the title.
func (p *Call) About() string { return strings.TrimSpace(p.Service + " " + p.method) }

// Command is the equivalent command line.
func (p *Call) Command() string {
	switch p.Depth() {
	case 0:
		return "call " + p.Chosen()
	case 1:
		return strings.TrimSpace("call " + p.Service + " " + p.Chosen())
	}
	return p.form.command(p.Service, p.method)
}

// Render draws a list, or the request.
func (p *Call) Render(width, height int) string {
	state := p.state
	switch {
	case state.Status == nil:
		return waiting(state, width)
	case p.Depth() == 2:
		return p.form.render(p, width, height)
	case p.fail != "":
		return strings.Join(state.Warn.PaintLines(style.Wrap(p.fail, width)), "\n")
	case p.Depth() == 1 && p.methods == nil:
		return state.Faint.Paint("loading the methods of " + p.Service)
	}
	head := state.Faint.Paint("Which service? enter selects")
	var rows []string
	if p.Depth() == 0 {
		for _, s := range p.services() {
			rows = append(rows, state.Fit(s.GetName(), 16)+state.State(stateOf(s)))
		}
	} else {
		head = state.Faint.Paint("Which method of " + p.Service + "? enter selects, esc goes back")
		for _, m := range p.shownMethods() {
			rows = append(rows, style.Clean(m.Signature()))
		}
	}
	if len(rows) == 0 {
		return head + "\n" + state.Faint.Paint("nothing matches "+p.filter)
	}
	p.At = min(p.At, len(rows)-1)
	lines := p.DrawRows(len(rows), height-1, func(i int, selected bool) []string {
		line := rows[i]
		if selected {
			return []string{state.Highlight(state.Fit(state.Mark+" "+line, width))}
		}
		return []string{state.Truncate("  "+line, width)}
	})
	return strings.Join(append([]string{state.Truncate(head, width)}, lines...), "\n")
}
