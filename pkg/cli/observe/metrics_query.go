package observe

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/plot"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type metricsQueryOptions struct {
	ios         *iostreams.IO
	connect     cmdutil.Connect
	now         func() time.Time
	format      string
	back, step  time.Duration
	time        string
	plot        bool
	stepChanged bool
}

func newMetricsQueryCmd(f *cmdutil.Factory) *cobra.Command {
	o := &metricsQueryOptions{ios: f.IO, connect: f.Shop, now: f.Now}
	cmd := &cobra.Command{
		Use:   "query EXPR",
		Short: "Evaluate a PromQL expression now or over a time range",
		Long: `Evaluate a PromQL expression now, or with --range in steps over a time range until now. --plot draws a plot. Series have
the labels job, instance, namespace, service, pod and version. The table of a range shows the first, minimum, maximum
and last value of each series; -o json has all values.`,
		Example: `shopctl metrics query 'sum by (service) (rate(grpc_server_handled_total[1m]))'
shopctl metrics query --range 15m --plot service:latency_seconds:p95_1m
shopctl metrics query -o json 'up == 0' | jq '.series | length'`,
		Args:              cmdutil.Exactly(1, "one PromQL expression, in quotes"),
		ValidArgsFunction: completeMetrics(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.stepChanged = cmd.Flags().Changed("step")
			return o.run(cmd.Context(), args[0])
		},
	}
	flags := cmd.Flags()
	flags.DurationVar(&o.back, "range", 0, "evaluate in steps over this `DURATION` until now")
	flags.DurationVar(&o.step, "step", 0, "`DURATION` between the steps of a range (default 1/250 of it)")
	flags.StringVar(&o.time, "time", "", "evaluate at this `TIME` (RFC 3339) or duration ago instead of now")
	cmdutil.LimitTime(cmd, "range", 1, "15m")
	cmdutil.LimitTime(cmd, "step", 1, "15s")
	flags.BoolVar(&o.plot, "plot", false, "plot the result over time (default --range 15m)")
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInconclusive)
}

func (o *metricsQueryOptions) run(ctx context.Context, expr string) error {
	if o.plot && o.back == 0 {
		o.back = 15 * time.Minute
	}
	switch {
	case o.stepChanged && o.back == 0:
		return cmdutil.UsageErr("--range 15m --step 15s", "--step needs --range or --plot")
	case o.plot && o.format != iostreams.FormatTable:
		return cmdutil.UsageErr("-o "+o.format, "--plot and -o %s cannot be combined", o.format)
	}
	req := &controlpb.QueryMetricsRequest{Expr: expr}
	at, err := cmdutil.ParseTime(o.now(), "time", o.time)
	if err != nil {
		return err
	}
	if !at.IsZero() {
		req.Time = timestamppb.New(at)
	}
	if o.back > 0 {
		req.Range = durationpb.New(o.back)
	}
	if o.step > 0 {
		req.Step = durationpb.New(o.step)
	}
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	resp, err := shop.QueryMetrics(ctx, req)
	if err != nil {
		return err
	}
	view := viewQuery(resp)
	if o.plot {
		o.draw(expr, view, cmp.Or(at, o.now()))
	} else if err := o.ios.Print(o.format, view, func(w io.Writer) { o.table(w, view) }); err != nil {
		return err
	}
	for _, w := range resp.GetWarnings() {
		o.ios.Warnf("%s", w)
	}
	if len(view.Series) == 0 && view.ResultType != "string" {
		o.ios.Notef("no series found")
		o.ios.Next("metrics list")
	}
	return nil
}

type queryView struct {
	ResultType string            `json:"result_type"`
	Series     []querySeriesView `json:"series"`
	Text       string            `json:"text,omitempty"`
}

type querySeriesView struct {
	Labels  map[string]string `json:"labels"`
	Samples []querySampleView `json:"samples"`
}

// querySampleView is a time in seconds and a value, as in Prometheus' API. Values are strings because JSON has no NaN.
type querySampleView struct {
	time  time.Time
	value float64
}

func (s querySampleView) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{float64(s.time.UnixMilli()) / 1000, strconv.FormatFloat(s.value, 'f', -1, 64)})
}

func (v queryView) Names() []string {
	var names []string
	for _, s := range v.Series {
		names = append(names, s.name())
	}
	return names
}

// name is the series in PromQL notation.
func (s querySeriesView) name() string {
	var pairs []string
	for _, k := range slices.Sorted(maps.Keys(s.Labels)) {
		if k != "__name__" {
			pairs = append(pairs, fmt.Sprintf("%s=%q", k, s.Labels[k]))
		}
	}
	if len(pairs) == 0 && s.Labels["__name__"] != "" {
		return s.Labels["__name__"]
	}
	return s.Labels["__name__"] + "{" + strings.Join(pairs, ", ") + "}"
}

func viewQuery(resp *controlpb.QueryMetricsResponse) queryView {
	v := queryView{ResultType: resp.GetResultType(), Text: resp.GetText(), Series: []querySeriesView{}}
	for _, s := range resp.GetSeries() {
		series := querySeriesView{Labels: s.GetLabels(), Samples: make([]querySampleView, 0, len(s.GetSamples()))}
		if series.Labels == nil {
			series.Labels = map[string]string{}
		}
		for _, p := range s.GetSamples() {
			series.Samples = append(series.Samples, querySampleView{time.UnixMilli(p.GetTimeMs()).UTC(), p.GetValue()})
		}
		v.Series = append(v.Series, series)
	}
	if v.ResultType == "vector" {
		slices.SortStableFunc(v.Series, func(a, b querySeriesView) int { return cmp.Compare(a.name(), b.name()) })
	}
	return v
}

func (o *metricsQueryOptions) table(w io.Writer, v queryView) {
	if v.ResultType == "string" {
		fmt.Fprintln(w, v.Text)
		return
	}
	if v.ResultType == "matrix" {
		t := iostreams.NewTable("SERIES", "POINTS", "FIRST", "MIN", "MAX", "LAST")
		for _, s := range v.Series {
			least, greatest := math.Inf(1), math.Inf(-1)
			for _, p := range s.Samples {
				least, greatest = min(least, p.value), max(greatest, p.value)
			}
			n := len(s.Samples)
			if n == 0 {
				continue
			}
			t.Row(s.name(), fmt.Sprint(n), number(s.Samples[0].value), number(least), number(greatest), number(s.Samples[n-1].value))
		}
		t.Write(w)
		return
	}
	t := iostreams.NewTable("SERIES", "VALUE")
	for _, s := range v.Series {
		for _, p := range s.Samples {
			t.Row(s.name(), number(p.value))
		}
	}
	t.Write(w)
}

// number formats a value with the digits that matter.
func number(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', 5, 64)
}

const (
	// plotHeight is the number of lines of a plot, plotWidth the number of cells without a terminal.
	plotHeight = 16
	plotWidth  = 80
)

func (o *metricsQueryOptions) draw(expr string, v queryView, end time.Time) {
	var series []plot.Series
	zone := o.now().Location()
	for _, s := range v.Series {
		line := plot.Series{Name: o.legend(s, len(v.Series))}
		for _, p := range s.Samples {
			line.Points = append(line.Points, plot.Point{Time: p.time.In(zone), Value: p.value})
		}
		series = append(series, line)
	}
	lines := plot.Lines(series, plot.Options{
		Width: o.ios.Columns(plotWidth), Height: plotHeight + min(len(series), plot.Tones), Title: expr, Unit: plot.UnitOf(expr),
		From: end.Add(-o.back), To: end, Step: stepOf(v),
		Style: plot.Style{ASCII: o.ios.ASCII, Linear: o.ios.Accessible, Paint: paintPlot(o.ios)},
	})
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	fmt.Fprintln(o.ios.Out, strings.TrimRight(strings.Join(lines, "\n"), "\n"))
}

// stepOf is the time between two neighboring points; points further apart are not connected.
func stepOf(v queryView) time.Duration {
	var step time.Duration
	for _, s := range v.Series {
		for i := 1; i < len(s.Samples); i++ {
			if d := s.Samples[i].time.Sub(s.Samples[i-1].time); step == 0 || d < step {
				step = d
			}
		}
	}
	return step
}

// legend is the short name of a series: the label's value if it has only one label.
func (o *metricsQueryOptions) legend(s querySeriesView, n int) string {
	if n == 1 && len(s.Labels) == 0 {
		return ""
	}
	if _, named := s.Labels["__name__"]; !named && len(s.Labels) == 1 {
		for _, v := range s.Labels {
			return v
		}
	}
	return s.name()
}

// paintPlot gives each line of a plot a color.
func paintPlot(ios *iostreams.IO) func(t plot.Tone, text string) string {
	return func(t plot.Tone, text string) string {
		switch {
		case t == plot.Faint:
			return ios.Paint(iostreams.ToneFaint, text)
		case t == plot.Title:
			return ios.Paint(iostreams.ToneBold, text)
		}
		tones := [plot.Tones]iostreams.Tone{iostreams.ToneInfo, iostreams.ToneWarn, iostreams.ToneGood, "35", "34", iostreams.ToneBad}
		return ios.Paint(tones[int(t-plot.First)%plot.Tones], text)
	}
}

// completeMetrics completes the name of a metric at the end of an expression.
func completeMetrics(f *cmdutil.Factory) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		const directive = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		if len(args) > 0 {
			return nil, directive
		}
		resp, err := listMetrics(cmd.Context(), f.Shop)
		if err != nil {
			return nil, directive
		}
		before := word[:1+strings.LastIndexFunc(word, func(r rune) bool {
			return r != '_' && r != ':' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		})]
		var words []string
		for _, m := range resp.GetMetrics() {
			words = append(words, before+m.GetName())
		}
		return words, directive
	}
}
