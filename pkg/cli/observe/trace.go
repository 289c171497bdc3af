package observe

import (
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
	"github.com/shopctl/shopctl/pkg/servicename"
	"github.com/shopctl/shopctl/pkg/trace"
	"github.com/shopctl/shopctl/pkg/trace/draw"
	"github.com/shopctl/shopctl/services"
)

func NewTraceCmd(f *cmdutil.Factory) *cobra.Command {
	return cmdutil.Group(&cobra.Command{
		Use:   "trace",
		Short: "Find and show traces of requests",
		Long: `Find requests and see where their time went. Services send spans for every request; the shop keeps the newest traces,
and accepts spans from any OpenTelemetry SDK ("shopctl status -o json" shows the endpoints). An ID may be shortened to a
unique prefix; "last" is the newest trace.`,
	}, newTraceListCmd(f), newTraceShowCmd(f), newTraceSequenceCmd(f), newTraceDiffCmd(f), newTraceFollowCmd(f), newTraceOpenCmd(f))
}

// defaultWidth is the width of drawings without a terminal, in cells.
const defaultWidth = 160

func traceWidth(ios *iostreams.IO) int {
	return ios.Columns(defaultWidth)
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

// serviceOfSpan is the short name of a service that spans name by its workload.
func serviceOfSpan(name string) string {
	if b, ok := services.Lookup(name); ok && b.Workload == name {
		return b.Name
	}
	return name
}

// traceFilter are the flags that select traces.
type traceFilter struct {
	service, operation, since string
	failed                    bool
	minDuration, maxDuration  time.Duration
	// namespace of the service; empty: the shop's own.
	namespace func() string
}

func (o *traceFilter) add(cmd *cobra.Command, f *cmdutil.Factory) {
	o.namespace = f.Namespace
	flags := cmd.Flags()
	flags.StringVar(&o.service, "service", "", "only traces with spans of this `SERVICE`")
	flags.StringVar(&o.operation, "operation", "", "only traces with an operation whose name contains this `TEXT`; of the service, if one is given")
	flags.BoolVar(&o.failed, "error", false, "only traces with a failed span")
	flags.DurationVar(&o.minDuration, "min-duration", 0, "only traces that took at least this `TIME`")
	flags.DurationVar(&o.maxDuration, "max-duration", 0, "only traces that took at most this `TIME`")
	flags.StringVar(&o.since, "since", "", "only traces started since this `TIME` (RFC 3339) or duration, such as 5m")
	cmdutil.LimitTime(cmd, "min-duration", 0, "200ms")
	cmdutil.LimitTime(cmd, "max-duration", 1, "200ms")
	cmdutil.RenameFlags(cmd, map[string]string{"slower": "min-duration", "faster": "max-duration"})
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("service", cmdutil.CompleteServices(f)))
}

// read checks the flags.
func (o *traceFilter) read(now func() time.Time) (*controlpb.TraceFilter, error) {
	if o.maxDuration > 0 && o.maxDuration < o.minDuration {
		return nil, cmdutil.UsageErr("--min-duration 100ms --max-duration 1s", "--min-duration %s is more than --max-duration %s", o.minDuration, o.maxDuration)
	}
	since, err := cmdutil.ParseTime(now(), "since", o.since)
	if err != nil {
		return nil, err
	}
	filter := &controlpb.TraceFilter{Service: servicename.In(o.namespace(), o.service), Operation: o.operation, Error: o.failed}
	if o.minDuration > 0 {
		filter.MinDuration = durationpb.New(o.minDuration)
	}
	if o.maxDuration > 0 {
		filter.MaxDuration = durationpb.New(o.maxDuration)
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

// completeTraceArgs completes up to most arguments with ids.
func completeTraceArgs(f *cmdutil.Factory, most int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		if len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return completeTraces(f)(cmd, args, word)
	}
}
