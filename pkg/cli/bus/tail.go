package bus

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/chassis/bus"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/rpc/shopevent"
)

type tailOptions struct {
	options
	last   int
	follow bool
}

// storedView is an event as the bus keeps it. Event is nil for a message that is no event.
type storedView struct {
	Seq     uint64           `json:"seq"`
	Stored  string           `json:"stored"`
	Event   *shopevent.Event `json:"event"`
	Problem string           `json:"problem,omitempty"`
}

func newTailCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tailOptions{options: newOptions(f)}
	cmd := &cobra.Command{
		Use:   "tail [TYPE...]",
		Short: "Print the newest events, and follow",
		Long: `Print the newest events of some types or of all; with -f, go on with each that comes. -o json prints one line for
each, with the whole CloudEvent.`,
		Example: `shopctl bus tail -f
shopctl bus tail OrderPlaced --tail 1 -o json`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeTypes,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	cmd.Flags().IntVar(&o.last, "tail", 10, "how many past events: a `NUMBER`")
	cmdutil.LimitNumber(cmd, "tail", 0, 10000, "shopctl bus tail --tail 100")
	cmd.Flags().BoolVarP(&o.follow, "follow", "f", false, "go on with the events that come")
	cmdutil.AddOutput(cmd, &o.format, iostreams.FormatTable, iostreams.FormatJSON)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInterrupted)
}

func (o *tailOptions) run(ctx context.Context, types []string) error {
	for _, t := range types {
		if err := shopevent.CheckType(t); err != nil {
			return o.usage("bus topics", err)
		}
	}
	ctx = o.ios.WhileRead(ctx)
	b, err := dial(ctx, o.ios, o.connect)
	if err != nil {
		return err
	}
	defer b.Close()
	if err := b.Tail(ctx, types, o.last, o.follow, o.print); err != nil {
		return o.explain(err)
	}
	return context.Cause(ctx)
}

func (o *tailOptions) print(s bus.Stored) error {
	view := storedView{Seq: s.Seq, Stored: stamp(s.Time)}
	e, err := shopevent.Decode(s.Payload)
	if err != nil {
		view.Problem = err.Error()
	} else {
		view.Event = &e
	}
	if o.format == iostreams.FormatJSON {
		return o.ios.PrintLine(view)
	}
	line := fmt.Sprintf("%s  %-5d  ", s.Time.UTC().Format("15:04:05.000"), s.Seq)
	if view.Event == nil {
		line += view.Problem
	} else {
		line += fmt.Sprintf("%-15s  %s  #%s  %s", e.Type, e.Subject, e.Sequence, summary(e))
	}
	_, err = fmt.Fprintln(o.ios.Out, iostreams.OneLine(line))
	return err
}

// summary is what an event says, in some words.
func summary(e shopevent.Event) string {
	about, err := e.Order()
	if err != nil {
		return string(e.Data[:min(len(e.Data), 100)])
	}
	text := about.Total
	if e.Type == shopevent.OrderShipped {
		text = "parcel " + about.TrackingID
	}
	if about.Reason != "" {
		text += ", " + about.Reason
	}
	return text
}
