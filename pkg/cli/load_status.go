package cli

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

	"github.com/shopctl/shopctl/pkg/load"
)

// loadTimeout bounds the question to the load generator, which is on this machine.
const loadTimeout = 5 * time.Second

type loadStatusOptions struct {
	f      *Factory
	format string
}

type loadView struct{ load.Status }

func (loadView) names() []string { return []string{load.Workload} }

func newLoadStatusCmd(f *Factory) *cobra.Command {
	o := &loadStatusOptions{f: f}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the load, its errors and its latencies",
		Long: `Show the load, its errors and its latencies. These count from the moment a step was due, not from when it could be
sent, so that a shop that stalls cannot hide it.`,
		Args: exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	addOutput(cmd, &o.format)
	return exits(cmd, exitOK, exitFailed, exitUsage, exitNotRunning)
}

func (o *loadStatusOptions) run(ctx context.Context) error {
	shop, err := o.f.Shop(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	found, err := workloadsOf(ctx, shop, "", []string{load.Workload})
	if err != nil {
		return err
	}
	s := found[0]
	if s.GetReplicas() == 0 {
		return hintErr(exitFailed, o.f.IO.command("start "+s.GetName()), errors.New("the load generator is stopped"))
	}
	if s.GetReady() == 0 || s.GetAddress() == "" {
		return hintErr(exitFailed, o.f.IO.command("ps --instances "+s.GetName()), fmt.Errorf("the load generator is not ready (%s)", s.GetState()))
	}
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	st, err := load.Fetch(ctx, client, s.GetAddress())
	if err != nil {
		return hintErr(exitFailed, o.f.IO.command("logs --tail 20 "+s.GetName()), err)
	}
	if err := o.f.IO.Print(o.format, loadView{st}, func(w io.Writer) { o.table(w, st) }); err != nil {
		return err
	}
	if st.State == load.StateIdle && o.format == formatTable {
		o.f.IO.next("load start --rate 20 --seed 42")
	}
	return nil
}

func (o *loadStatusOptions) table(w io.Writer, st load.Status) {
	lasts := "until it is stopped"
	if st.DurationMS > 0 {
		lasts = "for " + shortDuration(time.Duration(st.DurationMS)*time.Millisecond)
	}
	switch st.State {
	case load.StateIdle:
		fmt.Fprintln(w, "load       idle")
		return
	case load.StateWaiting:
		fmt.Fprintln(w, "load       waiting for the storefront")
		return
	}
	errorTone := toneGood
	if st.Errors > 0 {
		errorTone = toneBad
	}
	fmt.Fprintf(w, "load       %s, %g steps/s, seed %d, %s\n", st.State, st.Rate, st.Seed, lasts)
	fmt.Fprintf(w, "so far     %s, %d requests, %.1f/s, %d in flight\n",
		shortDuration(time.Duration(st.ElapsedMS)*time.Millisecond), st.Requests, st.RPS, st.InFlight)
	fmt.Fprintf(w, "errors     %s\n", o.f.IO.paint(errorTone, fmt.Sprintf("%d (%.2f%%)", st.Errors, st.ErrorRatio*100)))
	fmt.Fprintf(w, "latency    p50 %s, p95 %s, p99 %s, max %s\n\n", latency(st.P50MS), latency(st.P95MS), latency(st.P99MS), latency(st.MaxMS))
	t := newTable("STEP", "REQUESTS", "ERRORS", "P50", "P95", "P99", "MAX")
	for _, name := range slices.Sorted(maps.Keys(st.ByTask)) {
		task := st.ByTask[name]
		t.row(name, fmt.Sprint(task.Requests), fmt.Sprint(task.Errors), latency(task.P50MS), latency(task.P95MS), latency(task.P99MS), latency(task.MaxMS))
	}
	t.write(w)
	for _, failure := range st.LastErrors {
		fmt.Fprintf(w, "%s  %s: %s\n", failure.Time.Format(time.TimeOnly), failure.Task, failure.Error)
	}
}
