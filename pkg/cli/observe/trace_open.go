package observe

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
)

type traceOpenOptions struct {
	ios    *iostreams.IO
	now    func() time.Time
	format string
	list   traceListOptions
}

func newTraceOpenCmd(f *cmdutil.Factory) *cobra.Command {
	o := &traceOpenOptions{ios: f.IO, now: f.Now, list: traceListOptions{f: f}}
	cmd := &cobra.Command{
		Use:   "open FILE [list | show [ID] | sequence [ID] | diff A B]",
		Short: "Show traces in a file",
		Long: `Show traces in a file ("-" is standard input), with the shop up or down: OTLP/JSON as one object or one object per line
(the format of the OpenTelemetry collector's file exporter), or binary OTLP. The command after the file is one of the
trace commands; by default a single trace is shown and several are listed.`,
		Example: `shopctl trace open trace.json
shopctl trace open traces.json list --min-duration 1s
shopctl trace open traces.json sequence 4bf92f3577b3`,
		Args: openArgs,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			switch len(args) {
			case 0:
				return nil, cobra.ShellCompDirectiveDefault
			case 1:
				return openWords(), cobra.ShellCompDirectiveNoFileComp
			}
			return completeFileTraces(args[0])
		},
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	o.list.add(cmd)
	cmdutil.AddOutput(cmd, &o.format, iostreams.FormatTable, iostreams.FormatJSON, iostreams.FormatYAML, formatOTLP, iostreams.FormatName)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage)
}

func openWords() []string { return []string{"list", "show", "sequence", "diff"} }

func openArgs(cmd *cobra.Command, args []string) error {
	if len(args) < 2 {
		return cmdutil.Count(cmd, args, 1, 2, "a file")
	}
	switch args[1] {
	case "list":
		return cmdutil.Count(cmd, args, 2, 2, "a file")
	case "show", "sequence":
		return cmdutil.Count(cmd, args, 2, 3, "a file and a trace id")
	case "diff":
		return cmdutil.Count(cmd, args, 4, 4, "the ids of two traces")
	}
	return cmdutil.UnknownNameErr("command for a file", args[1], openWords())
}

func (o *traceOpenOptions) run(ctx context.Context, args []string) error {
	file, err := openTraces(args[0], o.ios.In)
	if err != nil {
		return err
	}
	verb, rest := "list", []string{}
	switch {
	case len(args) > 1:
		verb, rest = args[1], args[2:]
	case len(file.Traces) == 1:
		verb = "show"
	}
	id := lastID
	if len(rest) > 0 {
		id = rest[0]
	}
	if o.format == formatOTLP && verb != "show" || o.format == iostreams.FormatName && (verb == "diff" || verb == "sequence") {
		return cmdutil.UsageErr("-o json", "%[2]s does not support -o %[1]s", o.format, verb)
	}
	switch verb {
	case "show":
		show := &traceShowOptions{oneTrace: oneTrace{ios: o.ios, now: o.now, format: o.format, filter: o.list.filter, proxy: o.list.proxy}}
		return show.run(ctx, file, id)
	case "sequence":
		sequence := &traceSequenceOptions{oneTrace{ios: o.ios, now: o.now, format: o.format, filter: o.list.filter, proxy: o.list.proxy}}
		return sequence.run(ctx, file, id)
	case "diff":
		diff := &traceDiffOptions{ios: o.ios, format: o.format, proxy: o.list.proxy}
		return diff.run(ctx, file, id, rest[1])
	}
	o.list.format = o.format
	return o.list.run(ctx, file)
}

func completeFileTraces(path string) ([]string, cobra.ShellCompDirective) {
	file, err := openTraces(path, strings.NewReader(""))
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	words := []string{lastID}
	for _, t := range file.Traces[:min(20, len(file.Traces))] {
		words = append(words, t.ID.Short())
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}
