// Package fault implements the commands that break services on purpose.
package fault

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/fault"
	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// MethodNames returns the methods of a service, each with its messages as a description.
type MethodNames func(ctx context.Context, service string) []string

func NewCmd(f *cmdutil.Factory, methods MethodNames) *cobra.Command {
	return cmdutil.Group(&cobra.Command{
		Use:   "fault",
		Short: "Inject faults into services, list them and clear them",
		Long: `Inject faults into services, list them and clear them. A fault ends when its time is up, when it is cleared, with
"shopctl down" and when the daemon dies. Every view of the shop shows the active faults.`,
	}, newFaultInjectCmd(f, methods), newFaultListCmd(f), newFaultClearCmd(f))
}

// faultDetailView is a fault as JSON. Fields are only added, and always present.
type faultDetailView struct {
	ID          string  `json:"id"`
	Service     string  `json:"service"`
	Method      string  `json:"method"`
	Percent     float64 `json:"percent"`
	DelayMs     float64 `json:"delay_ms"`
	Error       string  `json:"error"`
	Crash       bool    `json:"crash"`
	Pause       bool    `json:"pause"`
	KillSidecar bool    `json:"kill_sidecar"`
	Injected    string  `json:"injected"`
	Ends        string  `json:"ends"`
	Phrase      string  `json:"phrase"`
	Owner       string  `json:"owner"`
	// From, Headers, Where, Partition, DropPercent and BytesPerSecond are of faults that sidecars cause.
	From           string   `json:"from"`
	Headers        []string `json:"headers"`
	Where          string   `json:"where"`
	Partition      bool     `json:"partition"`
	DropPercent    float64  `json:"drop_percent"`
	BytesPerSecond int64    `json:"bytes_per_second"`
	// Blast describes its impact in one sentence; set only by fault list.
	Blast string `json:"blast"`
}

type faultsView struct {
	Faults []faultDetailView `json:"faults"`
}

func (v faultsView) Names() []string {
	names := make([]string, len(v.Faults))
	for i, f := range v.Faults {
		names[i] = f.ID
	}
	return names
}

func viewFault(f *controlpb.Fault) faultDetailView {
	return faultDetailView{
		ID: f.GetId(), Service: f.GetService(), Method: f.GetMethod(), Percent: f.GetPercent(),
		DelayMs: cmdutil.Millis(f.GetDelay().AsDuration()), Error: f.GetError(), Crash: f.GetCrash(), KillSidecar: f.GetKillSidecar(), Pause: f.GetPause(),
		From: f.GetFrom(), Headers: append([]string{}, f.GetHeaders()...), Where: f.GetWhere(), Partition: f.GetPartition(),
		DropPercent: f.GetDrop(), BytesPerSecond: f.GetBandwidth(),
		Injected: cmdutil.RFC3339(f.GetInjected()), Ends: cmdutil.RFC3339(f.GetEnds()), Phrase: f.GetPhrase(), Owner: f.GetOwner(),
	}
}

func viewFaults(all []*controlpb.Fault) faultsView {
	view := faultsView{Faults: make([]faultDetailView, len(all))}
	for i, f := range all {
		view.Faults[i] = viewFault(f)
	}
	return view
}

// faultEnd describes when a fault ends, in whole seconds that are rounded up, as in the fault's phrase.
func faultEnd(now time.Time, p *controlpb.Fault) string {
	if p.GetEnds() == nil {
		return "when cleared"
	}
	return "in " + humanize.Duration((max(0, p.GetEnds().AsTime().Sub(now)) + time.Second - 1).Truncate(time.Second))
}

// completeFaultMethods completes --method with the methods of the service in the first argument.
func completeFaultMethods(methods MethodNames) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return methods(cmd.Context(), args[0]), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeCodes completes gRPC codes.
func completeCodes(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return fault.Codes(), cobra.ShellCompDirectiveNoFileComp
}
