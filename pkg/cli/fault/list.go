package fault

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type faultListOptions struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	now     func() time.Time
	format  string
}

func newFaultListCmd(f *cmdutil.Factory) *cobra.Command {
	o := &faultListOptions{ios: f.IO, connect: f.Shop, now: f.Now}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List active faults and their impact",
		Args:  cmdutil.Exactly(0, ""),
		RunE:  func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *faultListOptions) run(ctx context.Context) error {
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	resp, err := shop.ListFaults(ctx, &controlpb.ListFaultsRequest{})
	if err != nil {
		return err
	}
	listed := o.now() // the impact may wait for traces
	all := resp.GetFaults()
	if len(all) == 0 && o.format == iostreams.FormatTable {
		o.ios.Notef("no active faults")
		o.ios.Next("fault inject payment --error UNAVAILABLE --percent 50 --for 2m")
		return nil
	}
	view := viewFaults(all)
	blast := cmdutil.BlastOf(ctx, shop, o.format != iostreams.FormatName, all)
	for i := range view.Faults {
		view.Faults[i].Blast = blast[view.Faults[i].ID]
	}
	return o.ios.Print(o.format, view, func(w io.Writer) {
		t := iostreams.NewTable("ID", "SERVICE", "FAULT", "ENDS", "OWNER")
		for _, f := range all {
			t.Row(f.GetId(), f.GetService(), o.ios.Paint(iostreams.ToneWarn, f.GetPhrase()), faultEnd(listed, f), iostreams.OrDash(f.GetOwner()))
		}
		t.Write(w)
		blastLines(o.ios, w, view)
	})
}

// blastLines prints the impact of each fault, where it is known.
func blastLines(ios *iostreams.IO, w io.Writer, view faultsView) {
	first := true
	for _, fault := range view.Faults {
		if fault.Blast == "" {
			continue
		}
		if first {
			fmt.Fprintln(w)
		}
		first = false
		fmt.Fprintln(w, ios.Paint(iostreams.ToneWarn, fault.Blast))
	}
}
