package observe

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func NewMetricsCmd(f *cmdutil.Factory) *cobra.Command {
	return cmdutil.Group(&cobra.Command{
		Use:   "metrics",
		Short: "Query the metrics of all instances with PromQL",
		Long: `Query the metrics of all instances. The daemon scrapes them every few seconds, once a second while a dashboard is
open, and keeps them for 90 minutes. Queries are evaluated by Prometheus' own engine.`,
	}, newMetricsQueryCmd(f), newMetricsListCmd(f), newMetricsTargetsCmd(f))
}

type metricsListOptions struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	now     func() time.Time
	format  string
}

type metricView struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Help   string `json:"help"`
	Series int32  `json:"series"`
}

type metricsView struct {
	Metrics []metricView    `json:"metrics"`
	Store   metricStoreView `json:"store"`
	APIURL  string          `json:"api_url"`
}

type metricStoreView struct {
	Series  int64  `json:"series"`
	Samples int64  `json:"samples"`
	Bytes   int64  `json:"bytes"`
	Dropped int64  `json:"dropped"`
	Oldest  string `json:"oldest"`
}

func (v metricsView) Names() []string {
	var names []string
	for _, m := range v.Metrics {
		names = append(names, m.Name)
	}
	return names
}

func newMetricsListCmd(f *cmdutil.Factory) *cobra.Command {
	o := &metricsListOptions{ios: f.IO, connect: f.Shop, now: f.Now}
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the metrics that can be queried",
		Example: "shopctl metrics list\nshopctl metrics list -o name | grep payment",
		Args:    cmdutil.Exactly(0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

// listMetrics returns the metrics of the shop and the state of their store.
func listMetrics(ctx context.Context, connect cmdutil.Connect) (*controlpb.ListMetricsResponse, error) {
	shop, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	defer shop.Close()
	return shop.ListMetrics(ctx, &controlpb.ListMetricsRequest{})
}

func (o *metricsListOptions) run(ctx context.Context) error {
	resp, err := listMetrics(ctx, o.connect)
	if err != nil {
		return err
	}
	st := resp.GetStore()
	view := metricsView{Metrics: []metricView{}, APIURL: resp.GetApiUrl(), Store: metricStoreView{
		Series: st.GetSeries(), Samples: st.GetSamples(), Bytes: st.GetBytes(), Dropped: st.GetDropped(), Oldest: cmdutil.RFC3339(st.GetOldest()),
	}}
	for _, m := range resp.GetMetrics() {
		view.Metrics = append(view.Metrics, metricView{m.GetName(), m.GetType(), m.GetHelp(), m.GetSeries()})
	}
	return o.ios.Print(o.format, view, func(w io.Writer) {
		t := iostreams.NewTable("NAME", "TYPE", "SERIES", "HELP")
		for _, m := range view.Metrics {
			t.Row(m.Name, m.Type, fmt.Sprint(m.Series), m.Help)
		}
		t.Write(w)
		fmt.Fprintf(w, "\n%d series, %d samples in %.1f MB", view.Store.Series, view.Store.Samples, float64(view.Store.Bytes)/1e6)
		if st.GetOldest() != nil {
			fmt.Fprintf(w, ", the oldest %s ago", cmdutil.Age(o.now(), st.GetOldest().AsTime()))
		}
		if view.Store.Dropped > 0 {
			fmt.Fprintf(w, ", %d samples dropped", view.Store.Dropped)
		}
		if view.APIURL != "" {
			fmt.Fprintf(w, "\nAPI for Grafana and Prometheus: %s", view.APIURL)
		}
		fmt.Fprintln(w)
	})
}
