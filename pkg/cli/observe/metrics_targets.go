package observe

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/humanize"
)

type metricsTargetsOptions struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	format  string
}

type targetView struct {
	Job        string  `json:"job"`
	Instance   string  `json:"instance"`
	Address    string  `json:"address"`
	Health     string  `json:"health"`
	LastError  string  `json:"last_error"`
	LastScrape string  `json:"last_scrape"`
	TookMS     float64 `json:"took_ms"`
}

type targetsView struct {
	Targets []targetView `json:"targets"`
}

func (v targetsView) Names() []string {
	var names []string
	for _, t := range v.Targets {
		names = append(names, t.Instance)
	}
	return names
}

func newMetricsTargetsCmd(f *cmdutil.Factory) *cobra.Command {
	o := &metricsTargetsOptions{ios: f.IO, connect: f.Shop}
	cmd := &cobra.Command{
		Use:     "targets",
		Short:   "List scrape targets and their health",
		Example: "shopctl metrics targets\nshopctl metrics targets -o json | jq '.targets[] | select(.health != \"up\")'",
		Args:    cmdutil.Exactly(0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *metricsTargetsOptions) run(ctx context.Context) error {
	resp, err := listMetrics(ctx, o.connect)
	if err != nil {
		return err
	}
	view := targetsView{Targets: []targetView{}}
	for _, t := range resp.GetTargets() {
		view.Targets = append(view.Targets, targetView{
			t.GetJob(), t.GetInstance(), t.GetAddress(), t.GetHealth(), t.GetLastError(), cmdutil.RFC3339(t.GetLastScrape()),
			float64(t.GetTook().AsDuration().Microseconds()) / 1000,
		})
	}
	return o.ios.Print(o.format, view, func(w io.Writer) {
		tbl := iostreams.NewTable("JOB", "INSTANCE", "ADDRESS", "HEALTH", "TOOK", "ERROR")
		for _, t := range view.Targets {
			tone := iostreams.ToneGood
			if t.Health != "up" {
				tone = iostreams.ToneBad
			}
			tbl.Row(t.Job, t.Instance, iostreams.OrDash(t.Address), o.ios.Paint(tone, t.Health), humanize.Millis(t.TookMS), t.LastError)
		}
		tbl.Write(w)
	})
}
