package call

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

// checkRepeat refuses --repeat without a method, and with flags that it would ignore.
func (o *callOptions) checkRepeat(args []string) error {
	switch {
	case o.repeat == 0:
		return nil
	case len(args) < 2:
		return cmdutil.UsageErr(o.f.IO.Command("call "+args[0]), "missing argument: the method for --repeat")
	case o.describe || o.template || o.trace:
		return cmdutil.UsageErr(o.f.IO.Command("call "+args[0]+" "+args[1]+" --repeat 100"), "--repeat cannot be combined with --describe, --template or --trace")
	}
	return nil
}

// repeatCall measures a call. args are the method and, maybe, the message.
func (o *callOptions) repeatCall(ctx context.Context, t *callTarget, args []string) error {
	meter := call.NewMeter(o.f.Now)
	caller := call.New(call.Config{Now: o.f.Now, Rand: rand.Reader, Meter: meter})
	defer caller.Close()
	messages, err := o.messages(ctx, caller, t, args)
	if err != nil {
		return err
	}
	text := []byte{}
	if messages != nil {
		if text, err = io.ReadAll(io.LimitReader(messages, call.MaxMessage)); err != nil {
			return fmt.Errorf("read the message: %w", err)
		}
	}
	var last *call.Result
	view, err := measure(ctx, meter, o.repeat, func(ctx context.Context) (bool, error) {
		r, err := caller.Invoke(ctx, call.Request{
			Target: t.Target, Method: args[0], Messages: strings.NewReader(string(text)), Headers: o.headers,
			Deadline: o.deadline, Text: o.data.format == messagesText, AllowUnknown: o.data.allowUnknown, OnMessage: func(json.RawMessage) {},
		})
		if err != nil {
			return false, err
		}
		if ctx.Err() != nil {
			return false, cmdutil.ExitErr(cmdutil.ExitInterrupted)
		}
		good := r.Status.Code() == codes.OK
		if !good {
			last = r
		}
		return good, nil
	})
	if err != nil {
		return err
	}
	if err := printMeasure(o.f.IO, o.format, view); err != nil {
		return err
	}
	if view.Failed > 0 {
		return cmdutil.HintErr(callExit(last.Status.Code()), callHint(o.f.IO, t, last), callError(last))
	}
	return nil
}
