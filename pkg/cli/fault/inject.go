package fault

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/fault"
	"github.com/shopctl/shopctl/pkg/rpc/code"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
	"github.com/shopctl/shopctl/services"
)

// faultOwner is the owner of faults injected by hand. A lesson that injects one sets itself as the owner in the
// environment.
func faultOwner(getenv func(string) string) string {
	if owner := getenv(cmdutil.FaultOwnerEnv); owner != "" {
		return owner
	}
	return "cli"
}

type faultInjectOptions struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	// namespace of the service; empty: the shop's own.
	namespace func() string
	now       func() time.Time
	getenv    func(string) string
	format    string
	errCode   string
	percent   float64
	delay     time.Duration
	method    string
	lasts     time.Duration
	crash     bool
	sidecar   bool
	pause     bool
	single    bool
	mesh      meshFlags
}

func newFaultInjectCmd(f *cmdutil.Factory, methods MethodNames) *cobra.Command {
	o := &faultInjectOptions{ios: f.IO, connect: f.Shop, namespace: f.Namespace, now: f.Now, getenv: f.Getenv}
	cmd := &cobra.Command{
		Use:   "inject SERVICE | --partition SERVICE,SERVICE",
		Short: "Make calls to a service fail or slow down, crash it or pause it",
		Long: `Make calls to a service fail (--error) or slow down (--delay): all calls or a percentage, of every method or of one.
--crash kills all its processes once (--single: only the oldest), now or after --delay; they are restarted.
--kill-sidecar kills only their sidecars: until those have started again, calls are UNAVAILABLE and never go around
them. --pause suspends the processes. Without any of these, every call fails with UNAVAILABLE. Injecting the same kind
of fault again replaces the first; different kinds add up, so that a call can be delayed and then fail.

Sidecars cause the faults of --from, --header and --where client: a rule of a VirtualService at the callers, which
"shopctl get vs -o yaml" shows and nothing saves. No retry, timeout or ejection sees them, as in Istio. Sidecars also
make programs fail that are not built in. Three faults are on the wire between sidecars. --drop loses packets: TCP
sends them again, so that a call waits 200ms for each loss, and those behind it on the connection too. --bandwidth
limits what passes. --partition lets nothing pass in either direction: new connections time out after 10s, and open
ones wait.`,
		Example: `shopctl fault inject payment --error UNAVAILABLE --percent 50
shopctl fault inject payment --method Charge --delay 500ms --for 2m
shopctl fault inject catalog --crash
shopctl fault inject catalog --crash --single
shopctl fault inject shipping --crash --delay 5s
shopctl fault inject payment --kill-sidecar --single
shopctl fault inject currency --pause --for 10s
shopctl fault inject payment --from checkout --error UNAVAILABLE
shopctl fault inject catalog --header x-user=alice --delay 2s
shopctl fault inject payment --drop 20% --for 1m
shopctl fault inject --partition checkout,payment`,
		Args:              func(cmd *cobra.Command, args []string) error { return o.mesh.args(cmd, args) },
		ValidArgsFunction: cmdutil.CompleteOneService(f),
		RunE:              o.run,
	}
	flags := cmd.Flags()
	flags.StringVar(&o.errCode, "error", "", "fail with this gRPC `CODE`, by name or number")
	flags.Float64Var(&o.percent, "percent", 100, "percentage of the calls, above 0 and at most 100")
	flags.DurationVar(&o.delay, "delay", 0, fmt.Sprintf("delay calls by this time, or wait this long before processes are killed; at most %s", fault.MaxDelay))
	flags.StringVar(&o.method, "method", "", "only calls of this `METHOD`; for HTTP, a path prefix")
	flags.DurationVar(&o.lasts, "for", 0, "clear the fault after this time")
	cmdutil.LimitTime(cmd, "delay", 1, "500ms")
	cmdutil.LimitTime(cmd, "for", 1, "2m")
	flags.BoolVar(&o.crash, "crash", false, "kill the instances once; they are restarted")
	flags.BoolVar(&o.sidecar, "kill-sidecar", false, "kill the sidecars of the instances once; they start again")
	flags.BoolVar(&o.single, "single", false, "with --crash or --kill-sidecar: only the oldest instance")
	flags.BoolVar(&o.pause, "pause", false, "suspend the instances until the fault ends")
	cmdutil.RenameFlags(cmd, map[string]string{"one": "single"})
	o.mesh.add(cmd, f)
	cmdutil.AddOutput(cmd, &o.format)
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("error", completeCodes))
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("method", completeFaultMethods(methods)))
	for _, flag := range []string{"percent", "delay", "for"} {
		cmdutil.Must(cmd.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions))
	}
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *faultInjectOptions) run(cmd *cobra.Command, args []string) error {
	service, err := o.mesh.service(args)
	if err != nil {
		return err
	}
	if servicename.Parse(service).Kind == servicename.Pod {
		return cmdutil.UsageErr(o.ios.Command("fault inject SERVICE --crash --single"), "%s is one instance; a fault acts on a whole service", service)
	}
	request, byDefault, err := o.request(cmd, service)
	if err != nil {
		return err
	}
	shop, err := o.connect(cmd.Context())
	if err != nil {
		return err
	}
	defer shop.Close()
	request.Fault.Service = servicename.In(o.namespace(), service)
	o.mesh.fill(request.Fault, o.namespace())
	resp, err := shop.InjectFault(cmd.Context(), request)
	if err != nil {
		return err
	}
	if byDefault {
		o.ios.Notef("calls fail with %s, the default; other faults are --delay, --crash and --pause", request.GetFault().GetError())
	}
	if b, ok := services.Lookup(service); ok && b.Module() && resp.GetFault().GetService() != b.Name {
		o.ios.Notef("%s is a module of %s: the whole process is affected, with all its modules", b.Name, resp.GetFault().GetService())
	}
	return o.report(cmd.Context(), resp.GetFault())
}

// request reads the flags; byDefault reports whether none of them chose a fault.
func (o *faultInjectOptions) request(cmd *cobra.Command, service string) (r *controlpb.InjectFaultRequest, byDefault bool, err error) {
	changed := cmd.Flags().Changed
	switch {
	case !(o.percent > 0 && o.percent <= 100):
		return nil, false, cmdutil.UsageErr("--percent 50", "read --percent %g: want a percentage above zero, at most 100", o.percent)
	case changed("error") && o.errCode == "":
		return nil, false, cmdutil.UsageErr("--error UNAVAILABLE", "read --error: want a gRPC code")
	}
	f := &controlpb.Fault{
		Service: service, Method: o.method, Error: o.errCode, Crash: o.crash, KillSidecar: o.sidecar, Pause: o.pause, Single: o.single, Owner: faultOwner(o.getenv),
	}
	if changed("percent") {
		f.Percent = o.percent
	}
	if o.delay > 0 {
		f.Delay = durationpb.New(o.delay)
	}
	if byDefault = o.errCode == "" && o.delay == 0 && !o.crash && !o.sidecar && !o.pause && !o.mesh.wire(); byDefault {
		f.Error = code.Name(codes.Unavailable)
	}
	r = &controlpb.InjectFaultRequest{Fault: f}
	if o.lasts > 0 {
		r.For = durationpb.New(o.lasts)
	}
	return r, byDefault, nil
}

func (o *faultInjectOptions) report(_ context.Context, f *controlpb.Fault) error {
	err := o.ios.Print(o.format, viewFaults([]*controlpb.Fault{f}), func(w io.Writer) {
		fmt.Fprintln(w, o.ios.Paint(iostreams.ToneWarn, "fault on "+f.GetService()+": "+f.GetPhrase()))
	})
	if err != nil {
		return err
	}
	if (f.GetCrash() || f.GetKillSidecar()) && f.GetEnds() == nil {
		o.ios.Next("ps --instances " + f.GetService())
		return nil
	}
	o.ios.Notef("ends %s", faultEnd(o.now(), f))
	o.ios.Next("map", "fault clear "+f.GetService())
	return nil
}
