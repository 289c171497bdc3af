package observe

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/topology"
)

// Output formats that only the map has.
const (
	formatText    = "text"
	formatDOT     = "dot"
	formatMermaid = "mermaid"
)

type mapOptions struct {
	watchOptions
	window time.Duration
	// proxy: with the hops of sidecars.
	proxy bool
}

func NewMapCmd(f *cmdutil.Factory) *cobra.Command {
	o := &mapOptions{watchOptions: watchOptions{ios: f.IO, connect: f.Shop, now: f.Now, getenv: f.Getenv}}
	cmd := &cobra.Command{
		Use:   "map",
		Short: "Show the call graph, its traffic, and the impact of active faults",
		Long: `Show the call graph, with the rate, errors and 95th percentile of each edge as seen by the caller, and the active
faults. The last lines describe the impact of each fault in one sentence, by comparing spans from now with spans from
before the fault. The calls of a service with several callers are listed below the first of them.
An asynchronous edge is messages: each handling of one by a receiver counts, and its time begins when it was sent.

With sidecars, each edge also says what the caller's sidecars know of it: mutual TLS or plaintext, the versions that
were called, retries, requests that the callee's policies denied, response flags, and instances that are ejected
now. --proxy draws the sidecars too: each call becomes the program's to its sidecar, that one's to the callee's
sidecar, and the latter's to its program, each with the figures of who counts it.`,
		Example: `shopctl map
shopctl map --window 2m
shopctl map --watch
shopctl map --proxy
shopctl map -o dot | dot -Tsvg > shop.svg
shopctl map -o json | jq -r '.blast[].sentence'`,
		Args: cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	addWindow(cmd, &o.window)
	cmd.Flags().BoolVar(&o.proxy, "proxy", false, "with the sidecars that a call goes through, which are left out otherwise")
	o.add(cmd)
	cmdutil.AddOutput(cmd, &o.format, formatText, formatDOT, formatMermaid, iostreams.FormatJSON, iostreams.FormatYAML)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInterrupted)
}

// addWindow adds the flag for the time window to cmd.
func addWindow(cmd *cobra.Command, window *time.Duration) {
	cmd.Flags().DurationVar(window, "window", 30*time.Second, "time window to measure over, at most 5m")
	cmdutil.LimitTime(cmd, "window", time.Second, "30s")
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("window", cobra.NoFileCompletions))
}

func (o *mapOptions) run(ctx context.Context) error {
	if err := o.check(); err != nil {
		return err
	}
	if o.watch && (o.format == formatDOT || o.format == formatMermaid) {
		return cmdutil.UsageErr("shopctl map --watch", "read --watch: -o %s cannot be refreshed", o.format)
	}
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	return o.repeat(ctx, func() (frame, error) {
		m, err := shop.GetMap(ctx, &controlpb.GetMapRequest{Window: durationpb.New(o.window), Settle: !o.watch, Proxy: o.proxy})
		if err != nil {
			return frame{}, err
		}
		return frame{viewMap(m), func(w io.Writer) { o.draw(w, m) }}, nil
	}, o.none)
}

func (o *mapOptions) draw(w io.Writer, m *controlpb.GetMapResponse) {
	switch o.format {
	case formatDOT:
		io.WriteString(w, topology.DOT(control.TopologyMap(m)))
	case formatMermaid:
		io.WriteString(w, topology.Mermaid(control.TopologyMap(m)))
	default:
		for _, line := range topology.Text(control.TopologyMap(m), mapStyle(o.ios)) {
			fmt.Fprintln(w, line)
		}
	}
}

// none suggests what to do about a map without calls.
func (o *mapOptions) none(v any) {
	if m, ok := v.(mapView); ok && len(m.Edges) == 0 {
		o.ios.Notef("no calls in this window")
		o.ios.Next("load start --rate 20 --seed 42")
	}
}

// mapStyle is the style of maps on this terminal.
func mapStyle(ios *iostreams.IO) topology.Style {
	tones := map[topology.Tone]iostreams.Tone{
		topology.Good: iostreams.ToneGood, topology.Bad: iostreams.ToneBad, topology.Warn: iostreams.ToneWarn, topology.Faint: iostreams.ToneFaint,
	}
	return topology.Style{
		ASCII: ios.ASCII, Linear: ios.Accessible,
		Paint: func(t topology.Tone, text string) string { return ios.Paint(tones[t], text) },
	}
}
