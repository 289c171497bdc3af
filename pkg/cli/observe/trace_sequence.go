package observe

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/trace/draw"
)

type traceSequenceOptions struct{ oneTrace }

func newTraceSequenceCmd(f *cmdutil.Factory) *cobra.Command {
	o := &traceSequenceOptions{oneTrace{ios: f.IO, now: f.Now}}
	cmd := &cobra.Command{
		Use:   "sequence ID|last",
		Short: "Draw a trace as a sequence diagram",
		Long: `Draw the calls of a trace as a sequence diagram: services across, time down, a line for each request and each response.
Internal spans of a service are omitted. With last, the flags select among the newest traces.`,
		Example: "shopctl trace sequence last\nshopctl trace sequence last --operation PlaceOrder",
	}
	return o.complete(cmd, f, o.run, iostreams.FormatTable, iostreams.FormatJSON, iostreams.FormatYAML)
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
	t, _, err := o.get(ctx, from, id)
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
