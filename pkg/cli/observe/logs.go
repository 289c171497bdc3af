package observe

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/observe"
	"github.com/shopctl/shopctl/pkg/printable"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type logsOptions struct {
	streamOptions
	tail          int32
	onlyNew       bool // --tail 0: no line that is there already
	instance      string
	container     string
	allContainers bool
	trace         string
	span          string
	level         string
	grep          string
	prefix        bool
	previous      bool
	selector      string
	sinceTime     string
	timestamps    bool
}

func NewLogsCmd(f *cmdutil.Factory) *cobra.Command {
	o := &logsOptions{streamOptions: streamOptions{ios: f.IO, connect: f.Shop, namespace: f.Namespace, now: f.Now}}
	cmd := &cobra.Command{
		Use:   "logs [SERVICE...]",
		Short: "Print the logs of services",
		Long: `Print the logs of services, of all unless some are named, one record per line, oldest first. With -o json each line
is an object with time, service, instance, container, level, message, trace_id, span_id and raw, the record as the
service wrote it. If the instances have several containers, the logs of the first one are printed, unless -c or
--all-containers is given. With --previous, they are those of the last run of each container that has ended; if no
container was restarted, those of the last time the shop ran.`,
		Example: `shopctl logs -f checkout
shopctl logs --since 5m --tail 100
shopctl logs --trace last --level warn
shopctl logs payment --grep 'payment (charged|declined)'
shopctl logs catalog --prefix
shopctl logs web -c proxy
shopctl logs cart checkout
shopctl logs -l app=cartservice -f
shopctl logs checkout --previous
shopctl logs -o json | jq 'select(.level == "error")'`,
		ValidArgsFunction: cmdutil.CompleteServices(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.onlyNew = o.tail == 0 && cmd.Flags().Changed("tail")
			return o.run(cmd.Context(), args)
		},
	}
	o.add(cmd, "lines")
	cmd.Flags().Int32Var(&o.tail, "tail", 0, "only the last `NUMBER` lines; 0: only new ones, with -f (default all that are kept)")
	cmdutil.LimitNumber(cmd, "tail", 0, math.MaxInt32, "100")
	cmd.Flags().StringVar(&o.instance, "instance", "", "only lines of this `INSTANCE`")
	cmd.Flags().StringVarP(&o.container, "container", "c", "", "only lines of this `CONTAINER` of each instance")
	cmd.Flags().BoolVar(&o.allContainers, "all-containers", false, "lines of all containers")
	cmd.Flags().BoolVarP(&o.previous, "previous", "p", false, "lines of the last run that has ended")
	cmd.Flags().StringVarP(&o.selector, "selector", "l", "", "only lines of instances with these `LABELS`: app=cartservice,version!=v1")
	cmd.Flags().StringVar(&o.sinceTime, "since-time", "", "only lines since this `TIME` (RFC 3339)")
	cmd.Flags().BoolVar(&o.timestamps, "timestamps", false, "print times with their date and zone")
	cmd.Flags().BoolVar(&o.prefix, "prefix", false, "show the instance instead of the service in each line")
	cmd.Flags().StringVar(&o.trace, "trace", "", "only lines of the trace with this `ID` or prefix; last: the newest trace")
	cmd.Flags().StringVar(&o.span, "span", "", "only lines of the span with this `ID` or prefix")
	cmd.Flags().StringVar(&o.level, "level", "", "only lines of at least this `LEVEL`: debug, info, warn, error")
	cmd.Flags().StringVar(&o.grep, "grep", "", "only lines whose raw text matches this regular `EXPRESSION` (RE2)")
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("trace", completeTraces(f)))
	cmdutil.CompleteWords(cmd, "level", observe.LogLevels()...)
	return cmd
}

func (o *logsOptions) run(ctx context.Context, args []string) error {
	if err := o.check(args); err != nil {
		return err
	}
	shop, service, since, err := o.begin(ctx, args)
	if err != nil {
		return err
	}
	defer shop.Close()
	if o.onlyNew {
		since = timestamppb.New(o.now())
	}
	more, err := o.further(ctx, shop, args)
	if err != nil {
		return err
	}
	if o.selector != "" {
		found, err := o.selected(ctx, shop)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			o.ios.Notef("no instances found")
			return nil
		}
		service, more = found[0], found[1:]
	}
	if len(more) == 0 {
		if err := o.chooseContainer(ctx, shop, service); err != nil {
			return err
		}
	}
	stream, err := shop.Logs(ctx, &controlpb.LogsRequest{
		Follow: o.follow, Tail: o.tail, Instance: o.instance, Service: service, MoreServices: more, Since: since,
		TraceId: o.trace, SpanId: o.span, Level: o.level, Grep: o.grep,
		Container: o.container, AllContainers: o.allContainers, Previous: o.previous,
	})
	if err != nil {
		return err
	}
	if err := receive(o.ios, "lines", stream, o.print); err != nil {
		return err
	}
	if o.trace != "" {
		o.ios.Next("trace show " + o.trace)
	}
	return nil
}

// check refuses flags that exclude each other, and takes over --since-time.
func (o *logsOptions) check(args []string) error {
	switch {
	case o.container != "" && o.allContainers:
		return cmdutil.UsageErr("shopctl logs SERVICE -c "+o.container, "--container and --all-containers cannot be combined")
	case o.previous && o.follow:
		return cmdutil.UsageErr("shopctl logs --previous", "--follow and --previous cannot be combined: a run that has ended writes nothing more")
	case o.selector != "" && len(args) > 0:
		return cmdutil.UsageErr("leave out one of them", "a service and --selector cannot be combined")
	case o.since != "" && o.sinceTime != "":
		return cmdutil.UsageErr("leave out one of them", "--since and --since-time cannot be combined")
	case o.sinceTime != "":
		if _, err := time.Parse(time.RFC3339, o.sinceTime); err != nil {
			return cmdutil.UsageErr("--since-time 2026-03-01T12:00:00Z", "read --since-time %q: want a time of RFC 3339", o.sinceTime)
		}
		o.since = o.sinceTime
	}
	return nil
}

type logView struct {
	Time      string          `json:"time"`
	Service   string          `json:"service"`
	Instance  string          `json:"instance"`
	Container string          `json:"container"`
	Level     string          `json:"level"`
	Message   string          `json:"message"`
	TraceID   string          `json:"trace_id"`
	SpanID    string          `json:"span_id"`
	Raw       json.RawMessage `json:"raw"`
}

func (o *logsOptions) print(line *controlpb.LogLine) error {
	if o.format == iostreams.FormatJSON {
		view, err := viewLog(line)
		if err != nil {
			return err
		}
		return o.ios.PrintLine(view)
	}
	if o.prefix {
		line.Service = line.GetInstance()
	}
	text := logLine(o.ios, line)
	if o.timestamps {
		text = cmdutil.RFC3339(line.GetTime()) + " " + text
	}
	_, err := fmt.Fprintln(o.ios.Out, text)
	return err
}

func viewLog(line *controlpb.LogLine) (logView, error) {
	raw := json.RawMessage(line.GetRaw())
	if !json.Valid(raw) {
		quoted, err := json.Marshal(line.GetRaw())
		if err != nil {
			return logView{}, fmt.Errorf("encode log line: %w", err)
		}
		raw = quoted
	}
	return logView{
		Time: cmdutil.RFC3339(line.GetTime()), Service: line.GetService(), Instance: line.GetInstance(), Container: line.GetContainer(),
		Level: line.GetLevel(), Message: line.GetMessage(), TraceID: line.GetTraceId(), SpanID: line.GetSpanId(), Raw: raw,
	}, nil
}

// logLine formats a log line for a terminal: time, service, level, message and the record's other fields.
func logLine(ios *iostreams.IO, line *controlpb.LogLine) string {
	return logText(ios, line, control.LogFields(line.GetRaw()))
}

func logText(ios *iostreams.IO, line *controlpb.LogLine, fields string) string {
	when := line.GetTime().AsTime().Local().Format("15:04:05.000")
	level := line.GetLevel()
	message := ios.Colors(line.GetMessage())
	if message == "" {
		message = ios.Colors(line.GetRaw())
	} else if fields != "" {
		message += " " + ios.Paint(iostreams.ToneFaint, printable.WithoutColors(fields))
	}
	return fmt.Sprintf("%s %-14s %s %s", ios.Paint(iostreams.ToneFaint, when), line.GetService(), ios.Paint(levelTone(level), fmt.Sprintf("%-5s", level)), strings.ReplaceAll(message, "\n", "\n  "))
}

func levelTone(level string) iostreams.Tone {
	switch level {
	case "error":
		return iostreams.ToneBad
	case "warn":
		return iostreams.ToneWarn
	case "info":
		return iostreams.ToneInfo
	default:
		return iostreams.ToneFaint
	}
}

// FollowLogs prints new log lines of all services until the shop stops.
func FollowLogs(ctx context.Context, f *cmdutil.Factory) error {
	o := &logsOptions{streamOptions: streamOptions{ios: f.IO, connect: f.Shop, namespace: f.Namespace, now: f.Now, format: iostreams.FormatTable, follow: true, since: f.Now().Format(time.RFC3339Nano)}}
	return o.run(ctx, nil)
}
