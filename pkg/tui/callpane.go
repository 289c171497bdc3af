package tui

import (
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/call"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/tui/textedit"
)

// defaultDeadline is what a call gets until it is given another.
const defaultDeadline = 5 * time.Second

// callPane calls a method: a service is chosen, then a method of it, and then its request is filled in.
type callPane struct {
	w       *world
	Service string // empty while one is chosen
	methods []call.Method
	method  string // empty while one is chosen
	fail    string // why there are no methods, or no request
	choice         // of a service or a method
	filter  string
	form    callForm
	// kept are the requests that were filled in, by service and method.
	kept map[string]string
}

func newCallPane(w *world) *callPane { return &callPane{w: w, kept: map[string]string{}} }

// services are those that speak gRPC.
func (p *callPane) services() []*controlpb.Service {
	var all []*controlpb.Service
	for _, s := range p.w.services() {
		if s.GetProtocol() == "grpc" && matches(s.GetName(), p.filter) {
			all = append(all, s)
		}
	}
	return all
}

func (p *callPane) shownMethods() []call.Method {
	return slices.DeleteFunc(slices.Clone(p.methods), func(m call.Method) bool { return !matches(m.Signature(), p.filter) })
}

// Choose goes to the methods of a service; false if it speaks no gRPC.
func (p *callPane) Choose(service string) bool {
	p.leave()
	p.Service, p.method, p.methods, p.fail, p.filter, p.at = "", "", nil, "", "", 0
	i := slices.IndexFunc(p.services(), func(s *controlpb.Service) bool { return s.GetName() == service })
	if i < 0 {
		return false
	}
	p.Service = service
	return true
}

// Fill goes to the request of a method.
func (p *callPane) Fill(method, request string) {
	p.method, p.filter, p.fail = method, "", ""
	p.form = newCallForm(request)
}

// leave keeps the request, to be found again.
func (p *callPane) leave() {
	if p.method != "" {
		p.kept[p.Service+" "+p.method] = p.form.request.String()
	}
	p.form.editing = false
}

// ApplyContract shows the methods of a service, or the empty request of one of them.
func (p *callPane) ApplyContract(k contractKnown) {
	switch {
	case k.service != p.Service:
		return
	case k.err != nil:
		p.fail = errorText(k.err)
	case k.method == "":
		p.methods, p.fail = k.methods, ""
	case k.method == p.method && p.form.request.String() == "":
		p.form.request = textedit.NewArea(k.template)
	}
}

// Depth is 0 among the services, 1 among the methods of one, 2 in a request.
func (p *callPane) Depth() int {
	switch {
	case p.Service == "":
		return 0
	case p.method == "":
		return 1
	}
	return 2
}

// Out goes one step out; false from the list of services.
func (p *callPane) Out() bool {
	p.leave()
	switch p.Depth() {
	case 0:
		return false
	case 1:
		p.at = max(0, slices.IndexFunc(p.services(), func(s *controlpb.Service) bool { return s.GetName() == p.Service }))
		p.Service, p.methods = "", nil
	default:
		p.at = max(0, slices.IndexFunc(p.methods, func(m call.Method) bool { return m.Short == p.method }))
		p.method = ""
	}
	p.fail = ""
	return true
}

// Chosen is the service or the method at the mark; empty if there is none.
func (p *callPane) Chosen() string {
	switch p.Depth() {
	case 0:
		if all := p.services(); p.at < len(all) {
			return all[p.at].GetName()
		}
	case 1:
		if all := p.shownMethods(); p.at < len(all) {
			return all[p.at].Short
		}
	}
	return ""
}

// Scroll moves the choice, or goes over the parts of a request.
func (p *callPane) Scroll(lines int) {
	rows := len(p.services())
	switch p.Depth() {
	case 2:
		p.form.Scroll(lines)
		return
	case 1:
		rows = len(p.shownMethods())
	}
	p.at = min(max(p.at+lines, 0), max(rows-1, 0))
}

// Filter returns the filter of a list; a request has none.
func (p *callPane) Filter() *string {
	if p.Depth() == 2 {
		return nil
	}
	return &p.filter
}

// Position says which part is in view.
func (p *callPane) Position() string {
	if p.Depth() == 2 {
		return p.form.scroll.place()
	}
	return p.scroll.place()
}

// About is what is called, for the title.
func (p *callPane) About() string { return strings.TrimSpace(p.Service + " " + p.method) }

// Command is the command line that does the same.
func (p *callPane) Command() string {
	switch p.Depth() {
	case 0:
		return "call " + p.Chosen()
	case 1:
		return strings.TrimSpace("call " + p.Service + " " + p.Chosen())
	}
	return p.form.command(p.Service, p.method)
}

// Render draws a list, or the request.
func (p *callPane) Render(width, height int) string {
	w := p.w
	switch {
	case w.status == nil:
		return waiting(w, width)
	case p.Depth() == 2:
		return p.form.render(p, width, height)
	case p.fail != "":
		return strings.Join(w.warn.each(wrap(p.fail, width)), "\n")
	case p.Depth() == 1 && p.methods == nil:
		return w.faint.paint("asking for the contract of " + p.Service)
	}
	head := w.faint.paint("Which service? enter chooses")
	var rows []string
	if p.Depth() == 0 {
		for _, s := range p.services() {
			rows = append(rows, w.fit(s.GetName(), 16)+w.state(stateOf(s)))
		}
	} else {
		head = w.faint.paint("Which method of " + p.Service + "? enter chooses, esc goes back")
		for _, m := range p.shownMethods() {
			rows = append(rows, clean(m.Signature()))
		}
	}
	if len(rows) == 0 {
		return head + "\n" + w.faint.paint("nothing matches "+p.filter)
	}
	p.at = min(p.at, len(rows)-1)
	lines := p.render(len(rows), height-1, func(i int, chosen bool) []string {
		line := rows[i]
		if chosen {
			return []string{w.highlight(w.fit(w.mark+" "+line, width))}
		}
		return []string{w.cut("  "+line, width)}
	})
	return strings.Join(append([]string{w.cut(head, width)}, lines...), "\n")
}
