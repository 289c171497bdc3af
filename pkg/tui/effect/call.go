package effect

import (
	"context"
	"encoding/json"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/tui/pane"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// Calls calls methods of the shop's services, as the call command does. The target of a request is found by
// the service's name; of the target in the request only Proto is used.
type Calls interface {
	Methods(ctx context.Context, service string) ([]call.Method, error)
	Template(ctx context.Context, service, method string) (string, error)
	Invoke(ctx context.Context, service string, r call.Request) (*call.Result, error)
}

// LoadMethods loads the methods of a service.
func (c *Commands) LoadMethods(service string) tea.Cmd {
	return c.run(func(ctx context.Context) tea.Msg {
		methods, err := c.calls.Methods(ctx, service)
		return pane.Contract{Service: service, Methods: methods, Err: err}
	})
}

// LoadTemplate loads a request to fill in.
func (c *Commands) LoadTemplate(service, method string) tea.Cmd {
	return c.run(func(ctx context.Context) tea.Msg {
		text, err := c.calls.Template(ctx, service, method)
		return pane.Contract{Service: service, Method: method, Template: text, Err: err}
	})
}

// Call makes a call. Messages of the response are shown as they arrive.
func (c *Commands) Call(seq int, service string, r call.Request) tea.Cmd {
	return c.run(func(ctx context.Context) tea.Msg {
		ctx, stop := c.tasks.interruptible(ctx)
		defer stop()
		r.OnMessage = func(m json.RawMessage) { c.feed.AddResponse(seq, style.CleanLines(string(m))) }
		result, err := c.calls.Invoke(ctx, service, r)
		return pane.NewCallResult(seq, result, err)
	})
}
