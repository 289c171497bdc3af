package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type faultListOptions struct {
	f      *Factory
	format string
}

func newFaultListCmd(f *Factory) *cobra.Command {
	o := &faultListOptions{f: f}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List what is broken on purpose",
		Args:  exactly(0, ""),
		RunE:  func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	addOutput(cmd, &o.format)
	return exits(cmd, exitOK, exitUsage, exitNotRunning)
}

func (o *faultListOptions) run(ctx context.Context) error {
	shop, err := o.f.Shop(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	resp, err := shop.ListFaults(ctx, &controlpb.ListFaultsRequest{})
	if err != nil {
		return err
	}
	all := resp.GetFaults()
	if len(all) == 0 && o.format == formatTable {
		o.f.IO.notef("nothing is broken on purpose")
		o.f.IO.next("fault inject payment --error UNAVAILABLE --percent 50 --for 2m")
		return nil
	}
	view := viewFaults(all)
	blast := blastOf(ctx, shop, o.format != formatName, all)
	for i := range view.Faults {
		view.Faults[i].Blast = blast[view.Faults[i].ID]
	}
	return o.f.IO.Print(o.format, view, func(w io.Writer) {
		t := newTable("ID", "SERVICE", "FAULT", "ENDS", "OWNER")
		for _, f := range all {
			t.row(f.GetId(), f.GetService(), o.f.IO.paint(toneWarn, f.GetPhrase()), faultEnd(o.f, f), dash(f.GetOwner()))
		}
		t.write(w)
		blastLines(o.f.IO, w, view)
	})
}

// blastLines show how far faults reach, where that is known.
func blastLines(ios *IO, w io.Writer, view faultsView) {
	first := true
	for _, fault := range view.Faults {
		if fault.Blast == "" {
			continue
		}
		if first {
			fmt.Fprintln(w)
		}
		first = false
		fmt.Fprintln(w, ios.paint(toneWarn, fault.Blast))
	}
}
