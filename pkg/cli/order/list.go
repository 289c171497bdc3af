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

type listOptions struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	now     func() time.Time
	format  string
	limit   int32
	open    bool
}

type listView struct {
	Orders []orderView `json:"orders"`
}

func (v listView) Names() []string {
	names := make([]string, len(v.Orders))
	for i, o := range v.Orders {
		names[i] = o.ID
	}
	return names
}

func newListCmd(f *cmdutil.Factory) *cobra.Command {
	o := &listOptions{ios: f.IO, connect: f.Shop, now: f.Now}
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the newest orders and their states",
		Long:    "List the newest orders and their states. With --open, only those that something is left to do for.",
		Example: "shopctl order list --open\nshopctl order list --limit 100 -o json",
		Args:    cmdutil.Exactly(0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmd.Flags().Int32Var(&o.limit, "limit", 20, "maximum `NUMBER` of orders, at most 500")
	cmd.Flags().BoolVar(&o.open, "open", false, "list only orders that something is left to do for")
	cmdutil.LimitNumber(cmd, "limit", 1, 500, "shopctl order list --limit 100")
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *listOptions) run(ctx context.Context) error {
	c, err := connect(ctx, o.connect)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	list, err := c.ListOrders(ctx, &shopv1.ListOrdersRequest{Limit: o.limit, Open: o.open})
	if err != nil {
		return explain(o.ios, "list orders", err)
	}
	view := listView{Orders: []orderView{}}
	for _, order := range list.GetOrders() {
		view.Orders = append(view.Orders, viewOf(order))
	}
	return o.ios.Print(o.format, view, func(w io.Writer) {
		t := iostreams.NewTable("ORDER", "STATE", "TOTAL", "AGE", "TRACE")
		for _, order := range list.GetOrders() {
			age := ""
			if created := order.GetCreated(); created != nil {
				age = cmdutil.Age(o.now(), created.AsTime())
			}
			t.Row(order.GetOrderId(), o.ios.Paint(tone(order.GetState()), order.GetState().String()), total(order), age, iostreams.OrDash(order.GetTraceId()))
		}
		t.Write(w)
	})
}
