package observe

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type eventsOptions struct{ streamOptions }

func NewEventsCmd(f *cmdutil.Factory) *cobra.Command {
	o := &eventsOptions{streamOptions{ios: f.IO, connect: f.Shop, namespace: f.Namespace, now: f.Now}}
	cmd := &cobra.Command{
		Use:               "events [SERVICE]",
		Short:             "Print events of the services",
		Long:              "Print what happened to one or all services: starts, probes, exits, restarts, rollouts, faults; oldest first.\nWith -o json, one object per line.",
		Example:           "shopctl events -f\nshopctl events --since 10m payment",
		Args:              cmdutil.AtMost(1, "one service"),
		ValidArgsFunction: cmdutil.CompleteOneService(f),
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	o.add(cmd, "events")
	return cmd
}

func (o *eventsOptions) run(ctx context.Context, args []string) error {
	shop, service, since, err := o.begin(ctx, args)
	if err != nil {
		return err
	}
	defer shop.Close()
	stream, err := shop.Events(ctx, &controlpb.EventsRequest{Follow: o.follow, Service: service, Since: since})
	if err != nil {
		return err
	}
	return receive(o.ios, "events", stream, o.print)
}

type eventView struct {
	Sequence uint64 `json:"sequence"`
	Time     string `json:"time"`
	Type     string `json:"type"`
	Reason   string `json:"reason"`
	Service  string `json:"service"`
	Instance string `json:"instance"`
	Message  string `json:"message"`
}

func (o *eventsOptions) print(e *controlpb.Event) error {
	if o.format == iostreams.FormatJSON {
		return o.ios.PrintLine(eventView{
			Sequence: e.GetSequence(), Time: cmdutil.RFC3339(e.GetTime()), Type: e.GetType(), Reason: e.GetReason(),
			Service: e.GetService(), Instance: e.GetInstance(), Message: e.GetMessage(),
		})
	}
	_, err := fmt.Fprintln(o.ios.Out, eventText(o.ios, e))
	return err
}

func eventText(ios *iostreams.IO, e *controlpb.Event) string {
	color := iostreams.ToneFaint
	if e.GetType() == "Warning" {
		color = iostreams.ToneWarn
	}
	when := e.GetTime().AsTime().Local().Format("15:04:05.000")
	return fmt.Sprintf("%s %s %s %-14s %s", ios.Paint(iostreams.ToneFaint, when), ios.Paint(color, fmt.Sprintf("%-7s", e.GetType())),
		fmt.Sprintf("%-18s", e.GetReason()), iostreams.OneLine(iostreams.OrDash(e.GetService())), iostreams.OneLine(e.GetMessage()))
}
