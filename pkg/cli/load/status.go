package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/load"
)

// loadTimeout limits the request to the load generator, which is on this machine.
const loadTimeout = 5 * time.Second

type loadStatusOptions struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	format  string
}

type loadView struct{ load.Status }

func (loadView) Names() []string { return []string{load.Workload} }

func newLoadStatusCmd(f *cmdutil.Factory) *cobra.Command {
	o := &loadStatusOptions{ios: f.IO, connect: f.Shop}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the load, its errors and its latencies",
		Long: `Show the load, its errors and its latencies. Latency is measured from the time at which a step was due, not from when
it was sent, so that a stalled shop cannot hide its delay (no coordinated omission).`,
		Args: cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *loadStatusOptions) run(ctx context.Context) error {
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	found, err := cmdutil.WorkloadsOf(ctx, shop, "", []string{load.Workload})
	if err != nil {
		return err
	}
	s := found[0]
	if s.GetReplicas() == 0 {
		return cmdutil.HintErr(cmdutil.ExitFailed, o.ios.Command("start "+s.GetName()), errors.New("the load generator is stopped"))
	}
	if s.GetReady() == 0 || s.GetAddress() == "" {
		return cmdutil.HintErr(cmdutil.ExitFailed, o.ios.Command("ps --instances "+s.GetName()), fmt.Errorf("the load generator is not ready (%s)", s.GetState()))
	}
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	st, err := load.Fetch(ctx, client, s.GetAddress())
	if err != nil {
		return cmdutil.HintErr(cmdutil.ExitFailed, o.ios.Command("logs --tail 20 "+s.GetName()), err)
	}
	if err := o.ios.Print(o.format, loadView{st}, func(w io.Writer) { o.table(w, st) }); err != nil {
		return err
	}
	if st.State == load.StateIdle && o.format == iostreams.FormatTable {
		o.ios.Next("load start --rate 20 --seed 42")
	}
	return nil
}

func (o *loadStatusOptions) table(w io.Writer, st load.Status) {
	lasts := "until it is stopped"
	if st.DurationMS > 0 {
		lasts = "for " + humanize.Span(time.Duration(st.DurationMS)*time.Millisecond)
	}
	switch st.State {
	case load.StateIdle:
		fmt.Fprintln(w, "load       idle")
		return
	case load.StateWaiting:
		fmt.Fprintln(w, "load       waiting for the storefront")
		return
	}
	errorTone := iostreams.ToneGood
	if st.Errors > 0 {
		errorTone = iostreams.ToneBad
	}
	fmt.Fprintf(w, "load       %s, %g steps/s, seed %d, %s\n", st.State, st.Rate, st.Seed, lasts)
	fmt.Fprintf(w, "so far     %s, %d requests, %.1f/s, %d in flight\n",
		humanize.Duration(time.Duration(st.ElapsedMS)*time.Millisecond), st.Requests, st.RPS, st.InFlight)
	fmt.Fprintf(w, "errors     %s\n", o.ios.Paint(errorTone, fmt.Sprintf("%d (%s)", st.Errors, humanize.Percent(st.ErrorRatio))))
	fmt.Fprintf(w, "latency    p50 %s, p95 %s, p99 %s, max %s\n\n", humanize.Millis(st.P50MS), humanize.Millis(st.P95MS), humanize.Millis(st.P99MS), humanize.Millis(st.MaxMS))
	t := iostreams.NewTable("STEP", "REQUESTS", "ERRORS", "P50", "P95", "P99", "MAX")
	for _, name := range slices.Sorted(maps.Keys(st.ByTask)) {
		task := st.ByTask[name]
		t.Row(name, fmt.Sprint(task.Requests), fmt.Sprint(task.Errors), humanize.Millis(task.P50MS), humanize.Millis(task.P95MS), humanize.Millis(task.P99MS), humanize.Millis(task.MaxMS))
	}
	t.Write(w)
	for _, failure := range st.LastErrors {
		fmt.Fprintf(w, "%s  %s: %s\n", failure.Time.Format(time.TimeOnly), failure.Task, failure.Error)
	}
}
