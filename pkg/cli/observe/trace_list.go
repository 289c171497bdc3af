package observe

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/trace"
)

type traceListOptions struct {
	f      *cmdutil.Factory
	format string
	limit  int32
	filter traceFilter
	// proxy: with the spans of sidecars.
	proxy bool
}

func newTraceListCmd(f *cmdutil.Factory) *cobra.Command {
	o := &traceListOptions{f: f}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the newest traces",
		Long: `List the stored traces, newest first. A trace starts with the request from outside; its duration is measured from the
start of its first span to the end of its last. SPANS leaves out those of sidecars, unless --proxy is given.`,
		Example: `shopctl trace list --service payment --error
shopctl trace list --min-duration 200ms --since 5m
shopctl trace list -o name | head -1`,
		Args: cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			shop, err := f.Shop(cmd.Context())
			if err != nil {
				return err
			}
			defer shop.Close()
			return o.run(cmd.Context(), shopTraces{shop: shop})
		},
	}
	o.add(cmd)
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *traceListOptions) add(cmd *cobra.Command) {
	o.filter.add(cmd, o.f)
	addProxy(cmd, &o.proxy)
	cmd.Flags().Int32Var(&o.limit, "limit", 20, "maximum `NUMBER` of traces")
	cmdutil.LimitNumber(cmd, "limit", 1, math.MaxInt32, "20")
}

func (o *traceListOptions) run(ctx context.Context, from traceSource) error {
	filter, err := o.filter.read(o.f.Now)
	if err != nil {
		return err
	}
	resp, err := from.List(ctx, filter, o.limit)
	if err != nil {
		return err
	}
	if o.proxy {
		for _, t := range resp.GetTraces() {
			t.Spans += t.GetProxySpans()
		}
	}
	view := viewTraces(resp)
	if err := o.f.IO.Print(o.format, view, func(w io.Writer) { o.table(w, resp.GetTraces()) }); err != nil {
		return err
	}
	_, kept := from.(shopTraces)
	switch {
	case len(view.Traces) == 0:
		o.f.IO.Notef("no traces found")
		if kept {
			o.f.IO.Next("call catalog ListProducts --trace")
		}
	case kept:
		o.f.IO.Next("trace show " + trace.ShortID(view.Traces[0].TraceID))
	}
	if lost := resp.GetStore().GetForwardDropped(); lost > 0 {
		o.f.IO.Warnf("%d spans were not forwarded to %s", lost, resp.GetStore().GetForward())
	}
	return nil
}

func (o *traceListOptions) table(w io.Writer, traces []*controlpb.TraceSummary) {
	if len(traces) == 0 {
		return
	}
	t := iostreams.NewTable("TRACE", "STARTED", "DURATION", "SPANS", "SERVICES", "STATUS", "ROOT")
	for _, s := range traces {
		t.Row(traceCells(o.f.IO, o.f.Now, s)...)
	}
	t.Write(w)
}

// traceCells are the columns of a trace.
func traceCells(ios *iostreams.IO, now func() time.Time, s *controlpb.TraceSummary) []string {
	status := ios.Paint(iostreams.ToneGood, "ok")
	switch {
	case s.GetArriving():
		status = ios.Paint(iostreams.ToneFaint, "arriving")
	case s.GetFailed():
		status = ios.Paint(iostreams.ToneBad, "failed")
	case s.GetErrors() > 0:
		status = ios.Paint(iostreams.ToneWarn, humanize.Count(s.GetErrors(), "error"))
	}
	began, took := started(now, s.GetStart().AsTime()), "unknown"
	if s.GetStart().AsTime().IsZero() {
		began = "unknown"
	}
	if s.GetDuration() != nil {
		took = traceStyle(ios).Duration(s.GetDuration().AsDuration())
	}
	return []string{
		trace.ShortID(s.GetTraceId()), began, took,
		fmt.Sprint(s.GetSpans()), fmt.Sprint(len(s.GetServices())), status,
		aboutTrace(s) + clockDiffers(s),
	}
}

// A trace comes soon after it ended. What lies further apart was timed by another clock.
const longestWay, clockError = time.Minute, time.Second

// clockDiffers marks a trace whose start or end cannot be right by the clock of the shop.
func clockDiffers(s *controlpb.TraceSummary) string {
	if s.GetReceived() == nil || s.GetDuration() == nil {
		return ""
	}
	start, received := s.GetStart().AsTime(), s.GetReceived().AsTime()
	if ahead := start.Sub(received); ahead > clockError {
		return fmt.Sprintf(" (clock %s ahead)", humanize.Age(ahead))
	}
	if behind := received.Sub(start.Add(s.GetDuration().AsDuration())); behind > longestWay {
		return fmt.Sprintf(" (clock %s behind)", humanize.Age(behind))
	}
	return ""
}

// started formats a time as briefly as possible: without the date if it is today.
func started(now func() time.Time, at time.Time) string {
	if now().Sub(at).Abs() > 24*time.Hour {
		return at.Local().Format("2006-01-02 15:04:05")
	}
	return at.Local().Format("15:04:05.000")
}
