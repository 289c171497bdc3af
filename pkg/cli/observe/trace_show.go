package observe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/trace"
	"github.com/shopctl/shopctl/pkg/trace/draw"
)

// formatOTLP is OpenTelemetry's JSON, which trace open reads, and many other programs.
const formatOTLP = "otlp"

type traceShowOptions struct {
	oneTrace
	logs bool
	// attributes are the keys of those that the waterfall shows.
	attributes []string
}

func newTraceShowCmd(f *cmdutil.Factory) *cobra.Command {
	o := &traceShowOptions{oneTrace: oneTrace{ios: f.IO, now: f.Now}}
	cmd := &cobra.Command{
		Use:   "show ID|last",
		Short: "Draw a trace as a waterfall",
		Long: `Draw a trace as a waterfall: a line for each call, with its duration and a bar on the time axis. The critical path,
which the request waited for, is drawn solid. Errors, retries, injected faults, orphaned spans and clock skew are
marked. With last, the flags select among the newest traces.

-o json lists the spans with their attributes; -o otlp is OTLP/JSON, for "trace open" and other programs.`,
		Example: `shopctl trace show last
shopctl trace show last --service payment --error --logs
shopctl trace show last --attributes rpc.response.status_code,server.port
shopctl trace show 4bf92f3577b3 -o otlp > trace.json`,
	}
	cmd.Flags().BoolVar(&o.logs, "logs", false, "show log lines below their spans")
	cmd.Flags().StringSliceVar(&o.attributes, "attributes", nil, "show these attributes below their spans: comma-separated `KEYS`")
	return o.complete(cmd, f, o.run, iostreams.FormatTable, iostreams.FormatJSON, iostreams.FormatYAML, formatOTLP, iostreams.FormatName)
}

func (o *traceShowOptions) run(ctx context.Context, from traceSource, id string) error {
	t, data, err := o.get(ctx, from, id)
	if err != nil {
		return err
	}
	if o.format == formatOTLP {
		return o.otlp(data)
	}
	lines := map[string][]*controlpb.LogLine{}
	shop, kept := from.(shopTraces)
	if o.logs && kept {
		if lines, err = traceLogs(ctx, shop, t); err != nil {
			return err
		}
	}
	view := viewTrace(t)
	if err := addLogs(&view, lines); err != nil {
		return err
	}
	if err := o.ios.Print(o.format, view, func(w io.Writer) { o.waterfall(w, t, lines) }); err != nil {
		return err
	}
	if kept && o.format == iostreams.FormatTable {
		short := t.ID.Short()
		o.ios.Next("logs --trace "+short, "trace sequence "+short)
	}
	return nil
}

func (o *traceShowOptions) otlp(data *tracepb.TracesData) error {
	text, err := trace.EncodeJSON(data)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.ios.Out, "%s\n", text)
	return err
}

// waterfall draws the trace, with attributes and lines of logs under the rows of their spans.
func (o *traceShowOptions) waterfall(w io.Writer, t *trace.Trace, logs map[string][]*controlpb.LogLine) {
	style, width := traceStyle(o.ios), traceWidth(o.ios)
	for _, line := range draw.Head(t, width, style) {
		fmt.Fprintln(w, line)
	}
	fmt.Fprintln(w)
	rows := draw.Rows(t)
	print := func(id string) {
		for _, line := range logs[id] {
			// All of these lines belong to this trace.
			fields := strings.TrimSpace(strings.ReplaceAll(control.LogFields(line.GetRaw()), "trace_id="+line.GetTraceId(), ""))
			fmt.Fprintf(w, "    %s\n", logText(o.ios, line, fields))
		}
	}
	for i, line := range draw.Waterfall(t, width, style) {
		fmt.Fprintln(w, line)
		for _, pair := range attributesOf(rows[i], o.attributes) {
			fmt.Fprintf(w, "    %s\n", pair)
		}
		for _, link := range draw.Links(rows[i]) {
			fmt.Fprintf(w, "    %s\n", link)
		}
		print(rows[i].Span.Span.String())
		if served := rows[i].Served; served != nil {
			print(served.Span.String())
		}
	}
	if len(logs[""]) > 0 {
		fmt.Fprintln(w, "\nlog lines of other spans:")
		print("")
	}
}

// attributesOf returns the attributes with these keys of a row's spans, each pair once.
func attributesOf(row draw.Row, keys []string) []string {
	var pairs []string
	for _, s := range []*trace.Span{row.Span, row.Served} {
		for _, key := range keys {
			if s == nil || s.Attribute(key) == "" {
				continue
			}
			if pair := key + "=" + s.Attribute(key); !slices.Contains(pairs, pair) {
				pairs = append(pairs, pair)
			}
		}
	}
	return pairs
}

// traceLogs are the log lines of a trace by span id; lines of other spans are under "".
func traceLogs(ctx context.Context, from shopTraces, t *trace.Trace) (map[string][]*controlpb.LogLine, error) {
	stream, err := from.shop.Logs(ctx, &controlpb.LogsRequest{TraceId: t.ID.String()})
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, s := range t.Spans {
		known[s.Span.String()] = true
	}
	lines := map[string][]*controlpb.LogLine{}
	for {
		line, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, err
		}
		id := line.GetSpanId()
		if !known[id] {
			id = ""
		}
		lines[id] = append(lines[id], line)
	}
}

// addLogs adds log lines to the view of a trace.
func addLogs(view *traceView, lines map[string][]*controlpb.LogLine) error {
	views := func(id string) (list []logView, err error) {
		for _, line := range lines[id] {
			v, err := viewLog(line)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	var err error
	for i := range view.Spans {
		if view.Spans[i].Logs, err = views(view.Spans[i].SpanID); err != nil {
			return err
		}
	}
	view.Logs, err = views("")
	return err
}
