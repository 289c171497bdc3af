package observe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type alertsHistoryOptions struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	format  string
	follow  bool
}

func newAlertsHistoryCmd(f *cmdutil.Factory) *cobra.Command {
	o := &alertsHistoryOptions{ios: f.IO, connect: f.Shop}
	cmd := &cobra.Command{
		Use:     "history",
		Short:   "Print when alerts fired and were resolved, oldest first",
		Long:    "Print when alerts fired and were resolved, oldest first. With -o json, one object per line.",
		Example: "shopctl alerts history\nshopctl alerts history -f -o json | jq 'select(.state == \"firing\")'",
		Args:    cmdutil.Exactly(0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmd.Flags().BoolVarP(&o.follow, "follow", "f", false, "keep printing changes until interrupted")
	cmdutil.AddOutput(cmd, &o.format, iostreams.FormatTable, iostreams.FormatJSON)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInterrupted)
}

type alertChangeView struct {
	Time    string            `json:"time"`
	Name    string            `json:"name"`
	State   string            `json:"state"`
	Labels  map[string]string `json:"labels"`
	Value   string            `json:"value"`
	Summary string            `json:"summary"`
}

func (o *alertsHistoryOptions) run(ctx context.Context) error {
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	if !o.follow {
		n, err := o.print(ctx, shop, time.Time{})
		if err == nil && n.IsZero() {
			o.ios.Notef("no alert has been pending or firing yet")
		}
		return err
	}
	// An event announces each change.
	stream, err := shop.Events(ctx, &controlpb.EventsRequest{Follow: true})
	if err != nil {
		return err
	}
	last, err := o.print(ctx, shop, time.Time{})
	for err == nil {
		var e *controlpb.Event
		if e, err = stream.Recv(); errors.Is(err, io.EOF) {
			return nil
		}
		if r := e.GetReason(); err == nil && strings.HasPrefix(r, "Alert") {
			last, err = o.print(ctx, shop, last)
		}
	}
	return err
}

// print writes the changes after a time, and returns the time of the last.
func (o *alertsHistoryOptions) print(ctx context.Context, shop *control.Client, after time.Time) (time.Time, error) {
	resp, err := shop.ListAlerts(ctx, &controlpb.ListAlertsRequest{})
	if err != nil {
		return after, err
	}
	last := after
	changes := resp.GetHistory()
	slices.Reverse(changes)
	for _, c := range changes {
		at := c.GetTime().AsTime()
		if !at.After(after) {
			continue
		}
		last = at
		if o.format == iostreams.FormatJSON {
			err = o.ios.PrintLine(alertChangeView{cmdutil.RFC3339(c.GetTime()), c.GetName(), c.GetState(), c.GetLabels(), number(c.GetValue()), c.GetSummary()})
		} else {
			_, err = fmt.Fprintf(o.ios.Out, "%s %s %-26s %s\n", o.ios.Paint(iostreams.ToneFaint, at.Local().Format("15:04:05")),
				alertState(o.ios, fmt.Sprintf("%-8s", c.GetState())), iostreams.OneLine(c.GetName()), iostreams.OneLine(alertSummary(c.GetSummary(), c.GetLabels())))
		}
		if err != nil {
			return last, err
		}
	}
	return last, nil
}
