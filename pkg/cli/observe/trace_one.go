package observe

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/trace"
)

// oneTrace is what the commands share that draw one trace: how it is named, and in which format it is printed.
type oneTrace struct {
	ios    *iostreams.IO
	now    func() time.Time
	format string
	filter traceFilter
	// proxy: with the spans of sidecars.
	proxy bool
	// wait is how long to wait for the last trace, if none matches yet.
	wait time.Duration
}

// complete adds to a command what these commands share; run draws the trace of an id.
func (o *oneTrace) complete(cmd *cobra.Command, f *cmdutil.Factory, run func(ctx context.Context, from traceSource, id string) error, formats ...string) *cobra.Command {
	cmd.Args = cmdutil.Exactly(1, "a trace id, or last")
	cmd.ValidArgsFunction = completeTraceArgs(f, 1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		shop, err := f.Shop(cmd.Context())
		if err != nil {
			return err
		}
		defer shop.Close()
		return run(cmd.Context(), shopTraces{shop, o.wait}, args[0])
	}
	o.filter.add(cmd, f)
	cmd.Flags().DurationVar(&o.wait, "wait", 0, "with last: wait at most this time for a trace, if none matches yet")
	cmdutil.LimitTime(cmd, "wait", 1, "30s")
	addProxy(cmd, &o.proxy)
	cmdutil.AddOutput(cmd, &o.format, formats...)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

// get returns the trace of an id, or the last one that the filter selects.
func (o *oneTrace) get(ctx context.Context, from traceSource, id string) (*trace.Trace, *tracepb.TracesData, error) {
	filter, err := o.filter.read(o.now)
	if err != nil {
		return nil, nil, err
	}
	return getTrace(ctx, from, id, filter, o.proxy)
}

// addProxy adds the flag for the spans of sidecars to cmd.
func addProxy(cmd *cobra.Command, proxy *bool) {
	cmd.Flags().BoolVar(proxy, "proxy", false, "with the spans of sidecars, which are left out otherwise")
}
