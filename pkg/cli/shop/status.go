package shop

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type statusOptions struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	now     func() time.Time
	format  string
	stats   bool
}

func NewStatusCmd(f *cmdutil.Factory) *cobra.Command {
	o := &statusOptions{ios: f.IO, connect: f.Shop, now: f.Now}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the daemon, the storefront's address and the health of the shop",
		Long: `Show the daemon, the storefront's address and the health of the shop.
With -o json, .ready is true if every service that should be running is ready, and none that the
shop comes with is missing.`,
		Args: cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmd.Flags().BoolVar(&o.stats, "stats", false, "measure request rates, errors and latencies (-o json, yaml)")
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *statusOptions) run(ctx context.Context) error {
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	st, err := shop.Status(ctx, &controlpb.StatusRequest{Stats: o.stats, Memory: iostreams.Structured(o.format)})
	if err != nil {
		return err
	}
	view := viewStatus(o.ios, st)
	blast := cmdutil.BlastOf(ctx, shop, o.format == iostreams.FormatTable, st.GetFaults())
	return o.ios.Print(o.format, view, func(w io.Writer) {
		ready := o.ios.Paint(iostreams.ToneGood, "ready")
		switch {
		case view.GoingDown:
			ready = o.ios.Paint(iostreams.ToneWarn, "shutting down")
		case !view.Ready:
			ready = o.ios.Paint(iostreams.ToneWarn, "not ready")
		}
		fmt.Fprintf(w, "shop         %s, %s\n", view.Name, ready)
		fmt.Fprintf(w, "storefront   %s\n", iostreams.OrDash(view.URL))
		if view.PrometheusURL != "" {
			fmt.Fprintf(w, "prometheus   %s\n", view.PrometheusURL)
		}
		fmt.Fprintf(w, "services     %s\n", healthLine(view.Services, view.Missing))
		fmt.Fprintf(w, "namespace    %s\n", view.Namespace)
		fmt.Fprintf(w, "daemon       pid %d, up %s, version %s\n", view.PID, humanize.Age(o.now().Sub(st.GetStarted().AsTime())), iostreams.OrDash(view.ShopctlVersion))
		fmt.Fprintf(w, "driver       %s\n", view.Driver)
		fmt.Fprintf(w, "run dir      %s\n", iostreams.OneLine(view.RunDir))
		fmt.Fprintf(w, "state dir    %s\n", iostreams.OneLine(view.StateDir))
		for _, s := range view.Services {
			if s.State != "ok" {
				fmt.Fprintf(w, "%s: %s %s\n", s.Name, o.ios.State(s.State), iostreams.OneLine(s.Message))
			}
		}
		missingLines(o.ios, w, view.Missing)
		faultLines(o.ios, w, st.GetFaults(), blast)
	})
}
