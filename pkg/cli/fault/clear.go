package fault

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
)

type faultClearOptions struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	// namespace of the services; empty: the shop's own.
	namespace func() string
	format    string
	all       bool
}

func newFaultClearCmd(f *cmdutil.Factory) *cobra.Command {
	o := &faultClearOptions{ios: f.IO, connect: f.Shop, namespace: f.Namespace}
	cmd := &cobra.Command{
		Use:   "clear SERVICE... | ID... | --all",
		Short: "Clear faults: of a service, by id, or all",
		Example: `shopctl fault clear payment
shopctl fault clear f3
shopctl fault clear --all`,
		ValidArgsFunction: o.complete,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	cmd.Flags().BoolVar(&o.all, "all", false, "clear every fault, regardless of its owner")
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *faultClearOptions) run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 0 && !o.all:
		return cmdutil.UsageErr(o.ios.Command("fault clear --all"), "missing argument: a service, or --all")
	case len(args) > 0 && o.all:
		return cmdutil.UsageErr(o.ios.Command("fault clear "+strings.Join(args, " ")), "--all clears every fault and cannot be combined with a service")
	}
	request := &controlpb.ClearFaultsRequest{}
	isID := regexp.MustCompile(`^f[0-9]+$`)
	for _, arg := range args {
		if isID.MatchString(arg) {
			request.Ids = append(request.Ids, arg)
		} else {
			request.Services = append(request.Services, servicename.In(o.namespace(), arg))
		}
	}
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	resp, err := shop.ClearFaults(ctx, request)
	if err != nil {
		return err
	}
	if len(resp.GetFaults()) == 0 && o.format == iostreams.FormatTable {
		o.ios.Notef("no active faults")
		return nil
	}
	return o.ios.Print(o.format, viewFaults(resp.GetFaults()), func(w io.Writer) {
		for _, f := range resp.GetFaults() {
			fmt.Fprintf(w, "cleared %s on %s: %s\n", f.GetId(), f.GetService(), f.GetPhrase())
		}
	})
}

// complete completes the services with active faults.
func (o *faultClearOptions) complete(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	shop, err := o.connect(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer shop.Close()
	ctx, cancel := context.WithTimeout(cmd.Context(), cmdutil.LiveTimeout)
	defer cancel()
	resp, err := shop.ListFaults(ctx, &controlpb.ListFaultsRequest{})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	words, seen := []string{}, map[string]bool{}
	for _, f := range resp.GetFaults() {
		if !seen[f.GetService()] {
			words = append(words, f.GetService()+"\t"+f.GetPhrase())
		}
		seen[f.GetService()] = true
	}
	return cmdutil.Without(words, args), cobra.ShellCompDirectiveNoFileComp
}
