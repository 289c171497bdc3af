package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type eventsOptions struct {
	f      *Factory
	format string
	follow bool
	since  string
}

func newEventsCmd(f *Factory) *cobra.Command {
	o := &eventsOptions{f: f}
	cmd := &cobra.Command{
		Use:               "events [SERVICE]",
		Short:             "Print what happened to the services",
		Long:              "Print what happened to one or all services: starts, probes, exits, restarts, rollouts, faults; oldest first.\nWith -o json, one object a line.",
		Example:           "shopctl events -f\nshopctl events --since 10m payment",
		Args:              atMost(1, "one service"),
		ValidArgsFunction: f.completeOneService,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	cmd.Flags().BoolVarP(&o.follow, "follow", "f", false, "go on as things happen, until interrupted")
	cmd.Flags().StringVar(&o.since, "since", "", "only events since a `TIME`, or a duration ago")
	addOutput(cmd, &o.format, formatTable, formatJSON)
	return exits(cmd, exitOK, exitUsage, exitNotRunning, exitInterrupted)
}

func (o *eventsOptions) run(ctx context.Context, args []string) error {
	since, err := o.f.sinceFlag(o.since)
	if err != nil {
		return err
	}
	shop, err := o.f.Shop(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	req := &controlpb.EventsRequest{Follow: o.follow}
	if !since.IsZero() {
		req.Since = timestamppb.New(since)
	}
	if len(args) == 1 {
		found, err := workloadsOf(ctx, shop, args)
		if err != nil {
			return err
		}
		req.Service = found[0].GetName()
	}
	stream, err := shop.Events(ctx, req)
	if err != nil {
		return err
	}
	for {
		event, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := o.print(event); err != nil {
			return err
		}
	}
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
	if o.format == formatJSON {
		return o.f.printLine(eventView{
			Sequence: e.GetSequence(), Time: rfc3339(e.GetTime()), Type: e.GetType(), Reason: e.GetReason(),
			Service: e.GetService(), Instance: e.GetInstance(), Message: e.GetMessage(),
		})
	}
	_, err := fmt.Fprintln(o.f.Out, o.f.eventText(e))
	return err
}

func (f *Factory) eventText(e *controlpb.Event) string {
	color := toneFaint
	if e.GetType() == "Warning" {
		color = toneWarn
	}
	when := e.GetTime().AsTime().Local().Format("15:04:05.000")
	return fmt.Sprintf("%s %s %s %-14s %s", f.paint(toneFaint, when), f.paint(color, fmt.Sprintf("%-7s", e.GetType())),
		fmt.Sprintf("%-18s", e.GetReason()), dash(e.GetService()), e.GetMessage())
}
