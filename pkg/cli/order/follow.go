package order

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// followEvery is how often an order is read.
const followEvery = 200 * time.Millisecond

type followOptions struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	format  string
}

func newFollowCmd(f *cmdutil.Factory) *cobra.Command {
	o := &followOptions{ios: f.IO, connect: f.Shop}
	cmd := &cobra.Command{
		Use:   "follow ID|last",
		Short: "Print the steps of an order as they happen, until it ends",
		Long: `Print the steps of an order as they happen, until it ends. The exit code is 0 if the order is complete, and 1 if it
failed or is stuck. -o json prints the order as one line after each change. Instances of checkout may come and go
meanwhile.`,
		Example:           "shopctl order follow last",
		Args:              cmdutil.Exactly(1, "an order's id, or last"),
		ValidArgsFunction: complete(f, true),
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	cmdutil.AddOutput(cmd, &o.format, iostreams.FormatTable, iostreams.FormatJSON)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInterrupted)
}

func (o *followOptions) run(ctx context.Context, id string) error {
	c, err := connect(ctx, o.connect)
	if err != nil {
		return err
	}
	defer c.Close()
	order, err := c.get(ctx, o.ios, id, grpc.WaitForReady(true)) // it may be restarting: orders are followed through crashes
	if err != nil {
		return err
	}
	seen := progress{}
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		from, something := seen.changed(order)
		if err := o.print(order, from, something); err != nil {
			return err
		}
		switch order.GetState() {
		case shopv1.OrderState_COMPLETED:
			return nil
		case shopv1.OrderState_FAILED, shopv1.OrderState_STUCK:
			return cmdutil.ExitErr(cmdutil.ExitFailed)
		}
		if order, err = o.next(ctx, c, tick.C, order); err != nil {
			return err
		}
	}
}

// next waits and looks again. A checkout that cannot be reached may be restarting: the order stays as it was.
func (o *followOptions) next(ctx context.Context, c *client, tick <-chan time.Time, before *shopv1.Order) (*shopv1.Order, error) {
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-tick:
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	order, err := c.GetOrder(ctx, &shopv1.GetOrderRequest{OrderId: before.GetOrderId()})
	switch {
	case err == nil:
		return order, nil
	case status.Code(err) == codes.Unavailable, status.Code(err) == codes.DeadlineExceeded:
		return before, nil
	}
	return nil, explain(o.ios, "get order", err)
}

// progress is how much of an order was printed.
type progress struct {
	state    shopv1.OrderState
	steps    int
	attempts int32 // of the last step
}

// changed returns the first step that is not printed as it is, and whether there is anything new.
func (p *progress) changed(order *shopv1.Order) (from int, something bool) {
	steps := order.GetSteps()
	from = p.steps
	if p.steps > 0 && p.steps <= len(steps) && steps[p.steps-1].GetAttempts() != p.attempts {
		from--
	}
	something = from < len(steps) || p.state != order.GetState()
	p.state, p.steps = order.GetState(), len(steps)
	if len(steps) > 0 {
		p.attempts = steps[len(steps)-1].GetAttempts()
	}
	return from, something
}

func (o *followOptions) print(order *shopv1.Order, from int, something bool) error {
	if !something {
		return nil
	}
	if o.format == iostreams.FormatJSON {
		return o.ios.PrintLine(viewOf(order))
	}
	for _, s := range order.GetSteps()[min(from, len(order.GetSteps())):] {
		row := stepRow(o.ios, order, s)
		fmt.Fprintf(o.ios.Out, "%-9s %-16s %s", row[4], iostreams.OneLine(row[0]), row[2])
		if s.GetAttempts() > 1 {
			fmt.Fprintf(o.ios.Out, " %s times", row[3])
		}
		if s.GetDetail() != "" {
			fmt.Fprintf(o.ios.Out, ": %s", iostreams.OneLine(s.GetDetail()))
		}
		fmt.Fprintln(o.ios.Out)
	}
	_, err := fmt.Fprintf(o.ios.Out, "%s: %s\n", o.ios.Paint(tone(order.GetState()), order.GetState().String()), meaning(order))
	return err
}
