// Package order contains the commands about orders, each of which is a saga: what was tried of it, what was taken back, and
// what to do about one that is stuck.
package order

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// callTimeout bounds a call. One by hand waits for other services.
const callTimeout = 10 * time.Second

// NewCmd builds the group.
func NewCmd(f *cmdutil.Factory) *cobra.Command {
	return cmdutil.Group(&cobra.Command{
		Use:   "order",
		Short: "See how orders went step by step, and settle those that are stuck",
		Long: `See how orders went step by step, and settle those that are stuck.

An order is a saga over several services. Until it is shipped, a step that fails takes back those before it;
afterwards the rest is repeated until it succeeds. Checkout keeps a journal, so that an order is finished or taken
back even if the process that began it is killed.`,
	}, newListCmd(f), newShowCmd(f), newFollowCmd(f), newRetryCmd(f), newCancelCmd(f))
}

// client calls the checkout service. It is to be closed.
type client struct {
	shopv1.OrdersClient
	conn *grpc.ClientConn
}

func (c *client) Close() { _ = c.conn.Close() }

// connect finds the checkout service of the running shop.
func connect(ctx context.Context, shop cmdutil.Connect) (*client, error) {
	daemon, err := shop(ctx)
	if err != nil {
		return nil, err
	}
	defer daemon.Close()
	addr, err := cmdutil.AddressOf(ctx, daemon, "checkout")
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("connect to checkout: %w", err)
	}
	return &client{shopv1.NewOrdersClient(conn), conn}, nil
}

// get returns an order by its id, or the newest for "last".
func (c *client) get(ctx context.Context, ios *iostreams.IO, id string, options ...grpc.CallOption) (*shopv1.Order, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if id == last {
		list, err := c.ListOrders(ctx, &shopv1.ListOrdersRequest{Limit: 1}, options...)
		if err != nil {
			return nil, explain(ios, "list orders", err)
		}
		if len(list.GetOrders()) == 0 {
			return nil, cmdutil.HintErr(cmdutil.ExitFailed, ios.Command("load start"), fmt.Errorf("no order was placed yet"))
		}
		id = list.GetOrders()[0].GetOrderId()
	}
	order, err := c.GetOrder(ctx, &shopv1.GetOrderRequest{OrderId: id}, options...)
	if err != nil {
		return nil, explain(ios, "get order", err)
	}
	return order, nil
}

// last names the newest order.
const last = "last"

// explain says what to do about an error of the checkout service.
func explain(ios *iostreams.IO, what string, err error) error {
	hint, code := ios.Command("logs checkout"), cmdutil.ExitFailed
	if st, ok := cmdutil.StatusOf(err); ok {
		switch st.Code() {
		case codes.NotFound:
			hint = ios.Command("order list")
		case codes.InvalidArgument:
			hint, code = ios.Command("order --help"), cmdutil.ExitUsage
		case codes.Unimplemented:
			hint = "the checkout service of this shop keeps no journal: is it the original's?"
		}
	}
	return cmdutil.HintErr(code, hint, fmt.Errorf("%s: %w", what, err))
}

// complete completes the ids of orders, and flags of -o.
func complete(f *cmdutil.Factory, open bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), cmdutil.LiveTimeout)
		defer cancel()
		c, err := connect(ctx, f.Shop)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer c.Close()
		list, err := c.ListOrders(ctx, &shopv1.ListOrdersRequest{Open: open})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var ids []string
		for _, o := range list.GetOrders() {
			ids = append(ids, cobra.CompletionWithDesc(iostreams.OneLine(o.GetOrderId()), o.GetState().String()))
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	}
}
