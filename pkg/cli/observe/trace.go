package observe

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/trace"
	"github.com/shopctl/shopctl/pkg/trace/draw"
	"github.com/shopctl/shopctl/services"
)

func NewTraceCmd(f *cmdutil.Factory) *cobra.Command {
	return cmdutil.Group(&cobra.Command{
		Use:   "trace",
		Short: "Find requests and see where their time went",
		Long: `Find requests and see where their time went. Services send spans of all that they do; the shop keeps the newest
traces and takes spans of any OpenTelemetry SDK: "shopctl status -o json" tells the endpoints. An ID may be
cut short, and "last" is the newest trace.`,
	}, newTraceListCmd(f), newTraceShowCmd(f), newTraceSequenceCmd(f), newTraceDiffCmd(f), newTraceFollowCmd(f), newTraceOpenCmd(f))
}

// defaultWidth is how wide traces are drawn where there is no terminal.
const defaultWidth = 160

func traceWidth(ios *iostreams.IO) int {
	if !ios.OutTTY {
		return defaultWidth
	}
	return cmp.Or(ios.Width, defaultWidth)
}

func traceStyle(ios *iostreams.IO) draw.Style {
	tones := map[draw.Tone]iostreams.Tone{
		draw.Good: iostreams.ToneGood, draw.Warn: iostreams.ToneWarn, draw.Bad: iostreams.ToneBad, draw.Info: iostreams.ToneInfo, draw.Faint: iostreams.ToneFaint,
		draw.Bold: iostreams.ToneBold, draw.Path: iostreams.ToneInfo,
	}
	return draw.Style{
		ASCII: ios.ASCII, Linear: ios.Accessible, Name: serviceOfSpan,
		Paint: func(t draw.Tone, text string) string { return ios.Paint(tones[t], text) },
	}
}

// serviceOfSpan is what people call the service that spans name so.
func serviceOfSpan(name string) string {
	if b, ok := services.Lookup(name); ok && b.Workload == name {
		return b.Name
	}
	return name
}

// traceFilter are the flags that say which traces are wanted.
type traceFilter struct {
	service, operation, since string
	failed                    bool
	slower, faster            time.Duration
}

func (o *traceFilter) add(cmd *cobra.Command, f *cmdutil.Factory) {
	flags := cmd.Flags()
	flags.StringVar(&o.service, "service", "", "only traces that pass through this `SERVICE`")
	flags.StringVar(&o.operation, "operation", "", "only traces with an operation whose name holds this `TEXT`; of the service, if one is given")
	flags.BoolVar(&o.failed, "error", false, "only traces with a span that failed")
	flags.DurationVar(&o.slower, "slower", 0, "only traces that took at least this `TIME`")
	flags.DurationVar(&o.faster, "faster", 0, "only traces that took at most this `TIME`")
	flags.StringVar(&o.since, "since", "", "only traces that began since a `TIME`, or a duration ago")
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("service", cmdutil.CompleteServices(f)))
}

// read checks the flags.
func (o *traceFilter) read(now func() time.Time) (*controlpb.TraceFilter, error) {
	for flag, d := range map[string]time.Duration{"slower": o.slower, "faster": o.faster} {
		if d < 0 {
			return nil, cmdutil.UsageErr("--"+flag+" 200ms", "read --%s %s: want a time above zero", flag, d)
		}
	}
	if o.faster > 0 && o.faster < o.slower {
		return nil, cmdutil.UsageErr("--slower 100ms --faster 1s", "no trace is both slower than %s and faster than %s", o.slower, o.faster)
	}
	since, err := cmdutil.ParseTime(now(), "since", o.since)
	if err != nil {
		return nil, err
	}
	filter := &controlpb.TraceFilter{Service: o.service, Operation: o.operation, Error: o.failed}
	if o.slower > 0 {
		filter.MinDuration = durationpb.New(o.slower)
	}
	if o.faster > 0 {
		filter.MaxDuration = durationpb.New(o.faster)
	}
	if !since.IsZero() {
		filter.Since = timestamppb.New(since)
	}
	return filter, nil
}

// completeTraces completes the ids of the newest traces, for a flag.
func completeTraces(f *cmdutil.Factory) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		none := cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
		shop, err := f.Shop(cmd.Context())
		if err != nil {
			return nil, none
		}
		defer shop.Close()
		ctx, cancel := context.WithTimeout(cmd.Context(), cmdutil.LiveTimeout)
		defer cancel()
		words := []string{"last\tthe newest trace"}
		resp, err := shop.ListTraces(ctx, &controlpb.ListTracesRequest{})
		if err != nil {
			return words, none
		}
		for _, t := range resp.GetTraces() {
			about := []string{aboutTrace(t), humanize.Duration(t.GetDuration().AsDuration())}
			if t.GetErrors() > 0 {
				about = append(about, "error")
			}
			words = append(words, trace.ShortID(t.GetTraceId())+"\t"+strings.Join(about, ", "))
		}
		return words, none
	}
}

// completeTraceArgs completes as many arguments with ids.
func completeTraceArgs(f *cmdutil.Factory, most int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		if len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return completeTraces(f)(cmd, args, word)
	}
}
