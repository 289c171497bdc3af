package order

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// settleOptions are those of retry and cancel.
type settleOptions struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	now     func() time.Time
	format  string
	reason  string
	example string // of the command
	settle  func(ctx context.Context, c *client, id string) (*shopv1.Order, error)
}

func newRetryCmd(f *cmdutil.Factory) *cobra.Command {
	o := &settleOptions{ios: f.IO, connect: f.Shop, now: f.Now}
	o.settle = func(ctx context.Context, c *client, id string) (*shopv1.Order, error) {
		return c.RetryOrder(ctx, &shopv1.RetryOrderRequest{OrderId: id, Reason: o.reason})
	}
	return o.build(f, &cobra.Command{
		Use:     "retry ID --reason TEXT",
		Short:   "Try at once what is left to do of an order",
		Long:    "Try at once what is left to do of an order, and draw it. The reason is kept in the order's history.",
		Example: `shopctl order retry 0d4ac1f2-5c9e-11f1-9d0b-0242ac120002 --reason "payment is back"`,
	})
}

func newCancelCmd(f *cmdutil.Factory) *cobra.Command {
	o := &settleOptions{ios: f.IO, connect: f.Shop, now: f.Now}
	var closed bool
	o.settle = func(ctx context.Context, c *client, id string) (*shopv1.Order, error) {
		return c.CancelOrder(ctx, &shopv1.CancelOrderRequest{OrderId: id, Reason: o.reason, Close: closed})
	}
	cmd := o.build(f, &cobra.Command{
		Use:   "cancel ID --reason TEXT",
		Short: "Take back an order that is not shipped",
		Long: `Take back an order that is not shipped: cancel its shipment, refund or void its charge, and draw it. The reason is
kept in the order's history. An order that is paid and shipped is not taken back any more.`,
		Example: `shopctl order cancel 0d4ac1f2-5c9e-11f1-9d0b-0242ac120002 --reason "the customer gave up"`,
	})
	cmd.Flags().BoolVar(&closed, "close", false, "end an order that is stuck even if payment refuses the refund: the money is returned otherwise")
	return cmd
}

func (o *settleOptions) build(f *cmdutil.Factory, cmd *cobra.Command) *cobra.Command {
	o.example = strings.TrimPrefix(cmd.Example, "shopctl ")
	cmd.Args = cmdutil.Exactly(1, "an order's id")
	cmd.ValidArgsFunction = complete(f, true)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) }
	cmd.Flags().StringVar(&o.reason, "reason", "", "why, kept in the order's history: one `LINE`")
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *settleOptions) run(ctx context.Context, id string) error {
	if o.reason == "" {
		return cmdutil.UsageErr(o.ios.Command(o.example), "a reason is missing")
	}
	c, err := connect(ctx, o.connect)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	order, err := o.settle(ctx, c, id)
	if err != nil {
		return explain(o.ios, "settle order", err)
	}
	if err := o.ios.Print(o.format, viewOf(order), func(w io.Writer) { draw(o.ios, w, order, o.now()) }); err != nil {
		return err
	}
	switch order.GetState() {
	case shopv1.OrderState_COMPLETED, shopv1.OrderState_FAILED:
		return nil
	}
	return cmdutil.ExitErr(cmdutil.ExitFailed) // it is not settled yet
}
