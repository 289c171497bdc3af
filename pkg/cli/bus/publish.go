package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/chassis/bus"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/rpc/shopevent"
)

type publishOptions struct {
	options
	order, data, id string
	sequence        int
	times           int
}

func newPublishCmd(f *cmdutil.Factory) *cobra.Command {
	o := &publishOptions{options: newOptions(f)}
	cmd := &cobra.Command{
		Use:   "publish TYPE --order ID",
		Short: "Send an event by hand",
		Long: `Send an event by hand, such as one that a consumer cannot handle, or one that it has handled before: --id repeats
the id of an event, and consumers recognize it. Without --data, the event has the order's id and nothing else.`,
		Example: `shopctl bus publish OrderShipped --order 1dbe --sequence 2 --data '{"order_id":"1dbe","tracking_id":"UT-1-2"}'
shopctl bus publish OrderPlaced --order poison --data '{"order_id":"poison","result":{"items":7}}'`,
		Args:              cmdutil.Exactly(1, "a type such as "+shopevent.OrderPlaced),
		ValidArgsFunction: completeTypes,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	cmd.Flags().StringVar(&o.order, "order", "", "the order's `ID`, the event's subject")
	cmd.Flags().StringVar(&o.data, "data", "", "the event's data: `JSON`")
	cmd.Flags().StringVar(&o.id, "id", "", "the event's `ID` (default a new one)")
	cmd.Flags().IntVar(&o.sequence, "sequence", 1, "the event's `NUMBER` among those of its order")
	cmdutil.LimitNumber(cmd, "sequence", 1, 1<<30, "shopctl bus publish OrderShipped --order 1dbe --sequence 2")
	cmd.Flags().IntVar(&o.times, "count", 1, "send a `NUMBER` of events, with ids and orders of their own")
	cmdutil.LimitNumber(cmd, "count", 1, 100_000, "shopctl bus publish OrderShipped --order load --count 1000")
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

// publishedView is what was sent.
type publishedView struct {
	Events int    `json:"events"`
	Type   string `json:"type"`
	ID     string `json:"id"` // of the first
}

func (v publishedView) Names() []string { return []string{v.ID} }

func (o *publishOptions) run(ctx context.Context, kind string) error {
	const example = "bus publish OrderPlaced --order 1dbe"
	if o.order == "" {
		return o.usage(example, errors.New("the order's id is missing"))
	}
	if o.times > 1 && o.id != "" {
		return o.usage(example, errors.New("--id is for one event, without --count"))
	}
	events := make([]shopevent.Event, o.times)
	for i := range events {
		order := o.order
		if o.times > 1 {
			order = fmt.Sprintf("%s-%d", o.order, i+1)
		}
		e, err := o.event(kind, order)
		if err == nil {
			_, err = e.Encode()
		}
		if err != nil {
			return o.usage(example, err)
		}
		events[i] = e
	}
	return o.with(ctx, func(ctx context.Context, b *bus.Bus) error {
		stored, err := b.Publish(ctx, events)
		if err != nil {
			return fmt.Errorf("%d of %d events stored: %w", stored, len(events), err)
		}
		return o.ios.Print(o.format, publishedView{Events: stored, Type: kind, ID: events[0].ID}, func(w io.Writer) {
			fmt.Fprintf(w, "%d of %s stored, id %s\n", stored, iostreams.OneLine(kind), iostreams.OneLine(events[0].ID))
		})
	})
}

// event makes the event of an order.
func (o *publishOptions) event(kind, order string) (shopevent.Event, error) {
	id := o.id
	if id == "" {
		random, err := uuid.NewRandom()
		if err != nil {
			return shopevent.Event{}, err
		}
		id = random.String()
	}
	data := json.RawMessage(o.data)
	if o.data == "" {
		var err error
		if data, err = json.Marshal(shopevent.Order{OrderID: order}); err != nil {
			return shopevent.Event{}, err
		}
	}
	return shopevent.Event{
		SpecVersion: "1.0", ID: id, Source: source, Type: kind, Subject: order, Time: o.now().UTC(), DataContentType: "application/json",
		Sequence: fmt.Sprint(o.sequence), Data: data,
	}, nil
}

// source is the source of events that are sent by hand. An id that is repeated is that of checkout's event only with its source.
const source = shopevent.Source
