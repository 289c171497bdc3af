package observe

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type traceFollowOptions struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	now     func() time.Time
	format  string
	filter  traceFilter
}

func newTraceFollowCmd(f *cmdutil.Factory) *cobra.Command {
	o := &traceFollowOptions{ios: f.IO, connect: f.Shop, now: f.Now}
	cmd := &cobra.Command{
		Use:   "follow",
		Short: "Print new traces until interrupted",
		Long: `Print each new trace when it is complete, until interrupted: its id, start, duration, spans, services, status and root.
With -o json, one object per line.`,
		Example: "shopctl trace follow --error\nshopctl trace follow --service checkout --min-duration 200ms -o json",
		Args:    cmdutil.Exactly(0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	o.filter.add(cmd, f)
	cmdutil.AddOutput(cmd, &o.format, iostreams.FormatTable, iostreams.FormatJSON, iostreams.FormatName)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInterrupted)
}

func (o *traceFollowOptions) run(ctx context.Context) error {
	filter, err := o.filter.read(o.now)
	if err != nil {
		return err
	}
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	stream, err := shop.FollowTraces(ctx, &controlpb.FollowTracesRequest{Filter: filter})
	if err != nil {
		return err
	}
	return receive(o.ios, "traces", stream, o.print)
}

func (o *traceFollowOptions) print(s *controlpb.TraceSummary) error {
	switch o.format {
	case iostreams.FormatJSON:
		return o.ios.PrintLine(viewTraceSummary(s))
	case iostreams.FormatName:
		_, err := fmt.Fprintln(o.ios.Out, s.GetTraceId())
		return err
	}
	c := traceCells(o.ios, o.now, s)
	_, err := fmt.Fprintf(o.ios.Out, "%s %s %8s %3s spans %2s services  %s  %s\n", c[0], o.ios.Paint(iostreams.ToneFaint, c[1]), c[2], c[3], c[4], c[5], c[6])
	return err
}
