package observe

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/trace/draw"
)

type traceSequenceOptions struct {
	ios    *iostreams.IO
	now    func() time.Time
	format string
	filter traceFilter
}

func newTraceSequenceCmd(f *cmdutil.Factory) *cobra.Command {
	o := &traceSequenceOptions{ios: f.IO, now: f.Now}
	cmd := &cobra.Command{
		Use:   "sequence ID|last",
		Short: "Draw a trace as a sequence diagram",
		Long: `Draw the calls of a trace as a sequence diagram: services across, time down, a line for each request and each response.
Internal spans of a service are omitted. With last, the flags select among the newest traces.`,
		Example:           "shopctl trace sequence last\nshopctl trace sequence last --operation PlaceOrder",
		Args:              cmdutil.Exactly(1, "a trace id, or last"),
		ValidArgsFunction: completeTraceArgs(f, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			shop, err := f.Shop(cmd.Context())
			if err != nil {
				return err
			}
			defer shop.Close()
			return o.run(cmd.Context(), shopTraces{shop}, args[0])
		},
	}
	o.filter.add(cmd, f)
	cmdutil.AddOutput(cmd, &o.format, iostreams.FormatTable, iostreams.FormatJSON, iostreams.FormatYAML)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

type sequenceView struct {
	TraceID      string        `json:"trace_id"`
	Participants []string      `json:"participants"`
	Messages     []messageView `json:"messages"`
}

type messageView struct {
	AtMs   float64 `json:"at_ms"`
	From   string  `json:"from"`
	To     string  `json:"to"`
	Name   string  `json:"name"`
	Answer bool    `json:"answer"`
	Status string  `json:"status"`
	SpanID string  `json:"span_id"`
}

func (o *traceSequenceOptions) run(ctx context.Context, from traceSource, id string) error {
	filter, err := o.filter.read(o.now)
	if err != nil {
		return err
	}
	t, _, err := getTrace(ctx, from, id, filter)
	if err != nil {
		return err
	}
	q := t.Sequence()
	view := sequenceView{TraceID: t.ID.String(), Participants: servicesOfSpans(q.Participants), Messages: []messageView{}}
	for _, m := range q.Messages {
		view.Messages = append(view.Messages, messageView{
			AtMs: cmdutil.Millis(m.At), From: serviceOfSpan(m.From), To: serviceOfSpan(m.To), Name: m.Call.Name, Answer: m.Response,
			Status: spanStatus(m.Call.Error), SpanID: m.Call.Span.String(),
		})
	}
	return o.ios.Print(o.format, view, func(w io.Writer) {
		for _, line := range draw.Sequence(t, traceWidth(o.ios), traceStyle(o.ios)) {
			fmt.Fprintln(w, line)
		}
	})
}
