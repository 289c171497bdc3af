package call

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
)

// ScreenCalls makes calls for the terminal UI as the call command does.
type ScreenCalls struct {
	ios       *iostreams.IO
	connect   cmdutil.Connect
	namespace func() string
	caller    *call.Caller
}

// NewScreenCalls returns calls for the terminal UI, which names services of other namespaces with theirs; done closes
// their connections.
func NewScreenCalls(f *cmdutil.Factory) (c *ScreenCalls, done func()) {
	caller := call.New(call.Config{Now: f.Now, Rand: rand.Reader})
	// There is nothing to do about a connection that does not close.
	return &ScreenCalls{ios: f.IO, connect: f.Shop, namespace: func() string { return "" }, caller: caller}, func() { _ = caller.Close() }
}

// target finds a service to call; the error includes what to do about it.
func (c *ScreenCalls) target(ctx context.Context, service string, offline bool) (*callTarget, error) {
	t, err := findTarget(ctx, c.ios, c.connect, c.namespace, service, offline)
	var known *cmdutil.Error
	if errors.As(err, &known) && known.Hint != "" {
		err = fmt.Errorf("%w (%s)", err, c.ios.ForThisShop(known.Hint))
	}
	return t, err
}

// Methods implements tui.Calls.
func (c *ScreenCalls) Methods(ctx context.Context, service string) ([]call.Method, error) {
	t, err := c.target(ctx, service, true)
	if err != nil {
		return nil, err
	}
	return c.caller.Methods(ctx, t.Target)
}

// Template implements tui.Calls.
func (c *ScreenCalls) Template(ctx context.Context, service, method string) (string, error) {
	t, err := c.target(ctx, service, true)
	if err != nil {
		return "", err
	}
	text, err := c.caller.Template(ctx, t.Target, method)
	return string(text), err
}

// Invoke implements tui.Calls.
func (c *ScreenCalls) Invoke(ctx context.Context, service string, r call.Request) (*call.Result, error) {
	t, err := c.target(ctx, service, false)
	if err != nil {
		return nil, err
	}
	files := r.Target.Files
	r.Target = t.Target
	r.Target.Files = files
	return c.caller.Invoke(ctx, r)
}
