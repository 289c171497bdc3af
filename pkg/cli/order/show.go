package order

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

type showOptions struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	now     func() time.Time
	format  string
}

func newShowCmd(f *cmdutil.Factory) *cobra.Command {
	o := &showOptions{ios: f.IO, connect: f.Shop, now: f.Now}
	cmd := &cobra.Command{
		Use:   "show ID|last",
		Short: "Draw the saga of an order: steps, attempts, compensations",
		Long: `Draw the saga of an order: its steps in the order in which they ended, how often each was tried, what was taken
back, and what is left to do. The steps of a process that was killed before it recorded them are missing: another
one looks up what they did.`,
		Example:           "shopctl order show last",
		Args:              cmdutil.Exactly(1, "an order's id, or last"),
		ValidArgsFunction: complete(f, false),
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *showOptions) run(ctx context.Context, id string) error {
	c, err := connect(ctx, o.connect)
	if err != nil {
		return err
	}
	defer c.Close()
	order, err := c.get(ctx, o.ios, id)
	if err != nil {
		return err
	}
	if err := o.ios.Print(o.format, viewOf(order), func(w io.Writer) { draw(o.ios, w, order, o.now()) }); err != nil {
		return err
	}
	if o.format == iostreams.FormatTable {
		hints(o.ios, order)
	}
	return nil
}

// hints names what may follow.
func hints(ios *iostreams.IO, order *shopv1.Order) {
	var next []string
	if order.GetState() == shopv1.OrderState_STUCK {
		next = append(next, "order retry "+order.GetOrderId()+" --reason TEXT", "order cancel "+order.GetOrderId()+" --reason TEXT")
	}
	if id := order.GetTraceId(); id != "" {
		next = append(next, "trace show "+id)
	}
	if len(next) > 0 {
		ios.Next(next...)
	}
}
