package observe

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/trace"
	"github.com/shopctl/shopctl/pkg/trace/draw"
)

type traceDiffOptions struct {
	ios    *iostreams.IO
	format string
	proxy  bool
}

func newTraceDiffCmd(f *cmdutil.Factory) *cobra.Command {
	o := &traceDiffOptions{ios: f.IO}
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Compare two traces",
		Long: `Compare two traces by matching the same operations of the same services. It shows where the difference between their
durations comes from, which adds up over the critical paths, and which spans only one of them has.`,
		Example:           "shopctl trace diff 4bf92f3577b3 last",
		Args:              cmdutil.Exactly(2, "the ids of two traces"),
		ValidArgsFunction: completeTraceArgs(f, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			shop, err := f.Shop(cmd.Context())
			if err != nil {
				return err
			}
			defer shop.Close()
			return o.run(cmd.Context(), shopTraces{shop: shop}, args[0], args[1])
		},
	}
	addProxy(cmd, &o.proxy)
	cmdutil.AddOutput(cmd, &o.format, iostreams.FormatTable, iostreams.FormatJSON, iostreams.FormatYAML)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

type traceDiffView struct {
	A       diffSideView `json:"a"`
	B       diffSideView `json:"b"`
	DeltaMs *float64     `json:"delta_ms"` // null where a time is unknown, as the other durations
	Spans   []diffView   `json:"spans"`
}

type diffSideView struct {
	TraceID    string   `json:"trace_id"`
	DurationMs *float64 `json:"duration_ms"`
	Spans      int      `json:"spans"`
}

// diffView is one matched position; a side without a span there is null.
type diffView struct {
	Service string   `json:"service"`
	Name    string   `json:"name"`
	Kind    string   `json:"kind"`
	Depth   int      `json:"depth"`
	A       *string  `json:"a"`
	B       *string  `json:"b"`
	DeltaMs *float64 `json:"delta_ms"`
	// CauseMs is its share of the difference between the roots.
	CauseMs float64 `json:"cause_ms"`
}

func (o *traceDiffOptions) run(ctx context.Context, from traceSource, a, b string) error {
	first, _, err := getTrace(ctx, from, a, nil, o.proxy)
	if err != nil {
		return err
	}
	second, _, err := getTrace(ctx, from, b, nil, o.proxy)
	if err != nil {
		return err
	}
	d := trace.Compare(first, second)
	side := func(t *trace.Trace) diffSideView {
		return diffSideView{t.ID.String(), knownMillis(t.Root().Timed(), t.Root().Duration()), len(t.Spans)}
	}
	view := traceDiffView{A: side(first), B: side(second), DeltaMs: knownMillis(first.Root().Timed() && second.Root().Timed(), second.Root().Duration()-first.Root().Duration()), Spans: []diffView{}}
	for _, p := range d.Pairs {
		s := p.Span()
		view.Spans = append(view.Spans, diffView{
			Service: serviceOfSpan(s.Service), Name: s.Name, Kind: s.Kind.String(), Depth: p.Depth,
			A: spanIDOf(p.A), B: spanIDOf(p.B), DeltaMs: knownMillis(p.Known(), p.Delta()), CauseMs: cmdutil.Millis(p.Cause()),
		})
	}
	return o.ios.Print(o.format, view, func(w io.Writer) {
		for _, line := range draw.Diff(d, traceWidth(o.ios), traceStyle(o.ios)) {
			fmt.Fprintln(w, line)
		}
	})
}

func spanIDOf(s *trace.Span) *string {
	if s == nil {
		return nil
	}
	id := s.Span.String()
	return &id
}
