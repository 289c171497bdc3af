package tui

import (
	"context"
	"encoding/json"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/call"
)

// Calls calls methods of the shop's services, as the call command does. The target of a request is found by
// the service's name; of the one it is given, only the Proto counts.
type Calls interface {
	Methods(ctx context.Context, service string) ([]call.Method, error)
	Template(ctx context.Context, service, method string) (string, error)
	Invoke(ctx context.Context, service string, r call.Request) (*call.Result, error)
}

// methods asks for the methods of a service.
func (h *hands) methods(service string) tea.Cmd {
	return h.run(func(ctx context.Context) tea.Msg {
		methods, err := h.calls.Methods(ctx, service)
		return contractKnown{service: service, methods: methods, err: err}
	})
}

// template asks for a request to fill in.
func (h *hands) template(service, method string) tea.Cmd {
	return h.run(func(ctx context.Context) tea.Msg {
		text, err := h.calls.Template(ctx, service, method)
		return contractKnown{service: service, method: method, template: text, err: err}
	})
}

// call makes a call. Messages of the answer are shown as they arrive.
func (h *hands) call(number int, service string, r call.Request) tea.Cmd {
	return h.run(func(ctx context.Context) tea.Msg {
		ctx, stop := h.interruptible(ctx)
		defer stop()
		r.OnMessage = func(m json.RawMessage) {
			lines := cleanLines(string(m))
			h.feed.put(func(b *batch) {
				if b.answerOf != number {
					b.answer, b.answerOf = nil, number
				}
				b.answer = append(b.answer, lines...)
				b.answer = b.answer[max(0, len(b.answer)-kept):]
			})
		}
		result, err := h.calls.Invoke(ctx, service, r)
		return answerOf(number, result, err)
	})
}
