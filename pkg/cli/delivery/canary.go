// Package delivery implements the commands that change a service from one release to another under load.
package delivery

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/delivery"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
)

type canaryOptions struct {
	ios       *iostreams.IO
	connect   cmdutil.Connect
	namespace func() string
	now       func() time.Time
	format    string

	to, from, image, check string
	steps                  []int
	hold, deadline         time.Duration
	wait                   bool
}

func newOptions(f *cmdutil.Factory) *canaryOptions {
	return &canaryOptions{ios: f.IO, connect: f.Shop, namespace: f.Namespace, now: f.Now}
}

// NewCanaryCmd returns the command with those that steer a canary.
func NewCanaryCmd(f *cmdutil.Factory) *cobra.Command {
	o := newOptions(f)
	cmd := &cobra.Command{
		Use:   "canary SERVICE",
		Short: "Give a new release more and more of a service's calls, as long as it does well",
		Long: `Give a new release a growing share of a service's calls. The daemon changes the weights in the VirtualService and
judges each step by comparing both releases over the same calls: it goes on when the new one keeps the check, and gives
every call back to the old one when the new one is worse. Too few calls are not a verdict. A step that is not decided
within --deadline pauses the canary. Where there are no routes, it makes them. It goes on after a restart of the daemon.

Criteria of --check: "error rate < 1%", and quantiles of how long calls take that succeed, "p99 < 200ms", "p50 < 20ms".`,
		Example: `shopctl canary catalog --to v2 --steps 5,25,50,100 --check 'error rate < 1%, p99 < 200ms'
shopctl canary catalog --to v2 --image shopctl/catalog:v2 --wait
shopctl canary status catalog
shopctl get vs productcatalogservice -o yaml --watch`,
		Args:              cmdutil.Exactly(1, "a service"),
		ValidArgsFunction: cmdutil.CompleteOneService(f),
		RunE:              func(cmd *cobra.Command, args []string) error { return o.start(cmd.Context(), args[0]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.to, "to", "", "the new release: the value of the label version of its pods")
	flags.StringVar(&o.from, "from", "", "the `RELEASE` that it replaces (default: the one that gets the calls)")
	flags.StringVar(&o.image, "image", "", "make the new release from this image, as a copy of the old one's Deployment")
	flags.IntSliceVar(&o.steps, "steps", delivery.DefaultSteps(), "rising percentages of the calls, the last one 100")
	flags.StringVar(&o.check, "check", delivery.DefaultCheck, "what the new release has to keep in each step")
	flags.DurationVar(&o.hold, "hold", delivery.DefaultHold, "the least time of a step")
	flags.DurationVar(&o.deadline, "deadline", delivery.DefaultDeadline, "pause when a step is not decided for so long")
	flags.BoolVar(&o.wait, "wait", false, "wait for the end, and print each step")
	cmdutil.LimitTime(cmd, "hold", 1, "10s")
	cmdutil.LimitTime(cmd, "deadline", 1, "10m")
	for _, flag := range []string{"image", "steps", "check", "hold", "deadline"} {
		cmdutil.Must(cmd.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions))
	}
	for _, flag := range []string{"to", "from"} {
		cmdutil.Must(cmd.RegisterFlagCompletionFunc(flag, completeVersions(f)))
	}
	cmdutil.AddOutput(cmd, &o.format, iostreams.FormatTable, iostreams.FormatJSON, iostreams.FormatYAML)
	cmd.AddCommand(
		newStatusCmd(f),
		newSteerCmd(f, "pause", "Keep the weights of a canary as they are", controlpb.SteerCanaryRequest_ACTION_PAUSE),
		newSteerCmd(f, "resume", "Go on with the step of a canary that was paused, and count from scratch", controlpb.SteerCanaryRequest_ACTION_RESUME),
		newSteerCmd(f, "promote", "Give the new release every call now, unjudged", controlpb.SteerCanaryRequest_ACTION_PROMOTE),
		newSteerCmd(f, "abort", "Give the old release every call again", controlpb.SteerCanaryRequest_ACTION_ABORT),
	)
	return exits(cmd)
}

func exits(cmd *cobra.Command) *cobra.Command {
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInconclusive)
}

// completeVersions completes the releases of a service.
func completeVersions(f *cmdutil.Factory) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		shop, err := f.Shop(cmd.Context())
		if err != nil || len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer shop.Close()
		ctx, cancel := context.WithTimeout(cmd.Context(), cmdutil.LiveTimeout)
		defer cancel()
		st, err := shop.Status(ctx, &controlpb.StatusRequest{})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		chosen, err := cmdutil.FindService(st, f.Namespace(), args[0])
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var versions []string
		for _, s := range st.GetServices() {
			if s.GetNamespace() == chosen.GetNamespace() && s.GetAddress() == chosen.GetAddress() {
				versions = append(versions, strings.Split(s.GetVersion(), ",")...)
			}
		}
		return versions, cobra.ShellCompDirectiveNoFileComp
	}
}

func (o *canaryOptions) start(ctx context.Context, service string) error {
	if o.to == "" {
		return cmdutil.UsageErr(o.ios.Command("canary "+service+" --to v2"), "start a canary: the new release is missing")
	}
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	req := &controlpb.StartCanaryRequest{
		Service: servicename.In(o.namespace(), service), To: o.to, From: o.from, Image: o.image, Check: o.check,
		Hold: durationpb.New(o.hold), Deadline: durationpb.New(o.deadline),
	}
	for _, step := range o.steps {
		req.Steps = append(req.Steps, int32(min(max(step, -1), 101)))
	}
	c, err := shop.StartCanary(ctx, req)
	if err != nil {
		return err
	}
	if o.wait {
		if c, err = o.follow(ctx, shop, c); err != nil {
			return err
		}
	}
	if err := o.print(c); err != nil {
		return err
	}
	if !o.wait {
		_, name, _ := strings.Cut(c.GetVirtualService(), "/")
		o.ios.Next("canary status "+iostreams.OneLine(c.GetService()), "get vs "+iostreams.OneLine(name)+" -o yaml --watch")
		return nil
	}
	return outcome(o.ios, c)
}

// pollInterval is how often --wait asks.
const pollInterval = 500 * time.Millisecond

// follow waits until the canary is paused or has ended, and prints what happens.
func (o *canaryOptions) follow(ctx context.Context, shop *control.Client, c *controlpb.Canary) (*controlpb.Canary, error) {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	told := ""
	for {
		if line := progress(c); line != told {
			o.ios.Notef("%s", line)
			told = line
		}
		if over(c) || c.GetPhase() == string(delivery.Paused) {
			return c, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ticker.C:
		}
		namespace, _, _ := strings.Cut(c.GetVirtualService(), "/")
		resp, err := shop.ListCanaries(ctx, &controlpb.ListCanariesRequest{Service: servicename.In(namespace, c.GetService())})
		if err != nil {
			return nil, err
		}
		if len(resp.GetCanaries()) == 0 {
			return nil, cmdutil.HintErr(cmdutil.ExitFailed, o.ios.Command("get vs"), fmt.Errorf("the canary of %s is gone: its VirtualService was deleted or replaced", c.GetService()))
		}
		c = resp.GetCanaries()[0]
	}
}

func over(c *controlpb.Canary) bool {
	return delivery.Canary{Phase: delivery.Phase(c.GetPhase())}.Over()
}

// progress is a line about where a canary stands.
func progress(c *controlpb.Canary) string {
	line := fmt.Sprintf("%s: %s", iostreams.OneLine(c.GetService()), iostreams.OneLine(c.GetPhase()))
	if c.GetPhase() == string(delivery.Running) {
		line += fmt.Sprintf(", step %d of %d: %s gets %d%% of the calls", c.GetStep(), len(c.GetSteps()), iostreams.OneLine(c.GetTo()), c.GetWeight())
	}
	if c.GetReason() != "" {
		line += ": " + iostreams.OneLine(c.GetReason())
	}
	return line
}

// outcome is how a command ends that has waited: 0 for a promotion, 1 for the way back, 4 for a pause.
func outcome(ios *iostreams.IO, c *controlpb.Canary) error {
	switch service := iostreams.OneLine(c.GetService()); delivery.Phase(c.GetPhase()) {
	case delivery.Promoted:
		return nil
	case delivery.Paused:
		ios.Next("canary resume "+service, "canary promote "+service, "canary abort "+service)
		return cmdutil.ExitErr(cmdutil.ExitInconclusive)
	default:
		ios.Next("trace list --error --service "+service, "logs "+service)
		return cmdutil.ExitErr(cmdutil.ExitFailed)
	}
}

func newSteerCmd(f *cmdutil.Factory, verb, short string, action controlpb.SteerCanaryRequest_Action) *cobra.Command {
	o := newOptions(f)
	cmd := &cobra.Command{
		Use: verb + " SERVICE", Short: short, Example: "shopctl canary " + verb + " catalog",
		Args: cmdutil.Exactly(1, "a service"), ValidArgsFunction: completeCanaries(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			shop, err := o.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer shop.Close()
			c, err := shop.SteerCanary(cmd.Context(), &controlpb.SteerCanaryRequest{Service: servicename.In(o.namespace(), args[0]), Action: action})
			if err != nil {
				return err
			}
			return o.print(c)
		},
	}
	cmdutil.AddOutput(cmd, &o.format, iostreams.FormatTable, iostreams.FormatJSON, iostreams.FormatYAML)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

// completeCanaries completes the services that have a canary.
func completeCanaries(f *cmdutil.Factory) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		shop, err := f.Shop(cmd.Context())
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer shop.Close()
		ctx, cancel := context.WithTimeout(cmd.Context(), cmdutil.LiveTimeout)
		defer cancel()
		resp, err := shop.ListCanaries(ctx, &controlpb.ListCanariesRequest{})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, c := range resp.GetCanaries() {
			names = append(names, iostreams.OneLine(c.GetService()))
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

func (o *canaryOptions) print(c *controlpb.Canary) error {
	return o.ios.Print(o.format, viewOf(c), func(w io.Writer) { o.text(w, c) })
}

// share is how many of the calls are bad: "2 of 41 (4.9%)".
func share(r *controlpb.ReleaseCalls) string {
	if r.GetCalls() == 0 {
		return "no calls"
	}
	text := fmt.Sprintf("%d of %d (%s%%)", r.GetBad(), r.GetCalls(), strconv.FormatFloat(100*float64(r.GetBad())/float64(r.GetCalls()), 'f', 1, 64))
	if q := r.GetQuantile(); q != nil {
		text = fmt.Sprintf("%s, slower %s", q.AsDuration().Round(100*time.Microsecond), text)
	}
	return text
}
