// Package export implements the commands that write a shop as configuration for other tools.
package export

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/observe/export"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/monitoring"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// NewCmd returns the group of commands. version is that of this binary.
func NewCmd(f *cmdutil.Factory, version string) *cobra.Command {
	return cmdutil.Group(&cobra.Command{
		Use:   "export",
		Short: "Write manifests for a cluster, or configuration for Grafana or another Prometheus",
	}, newKubernetesCmd(f, version), newGrafanaCmd(f), newPrometheusCmd(f))
}

type options struct {
	ios      *iostreams.IO
	connect  cmdutil.Connect
	dir      string
	force    bool
	federate bool
}

func (o *options) add(cmd *cobra.Command, dir string) {
	cmd.Flags().StringVar(&o.dir, "dir", dir, "`DIRECTORY` to write to; created if it does not exist")
	cmd.Flags().BoolVar(&o.force, "force", false, "overwrite files of an earlier export")
	cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func newGrafanaCmd(f *cmdutil.Factory) *cobra.Command {
	o := &options{ios: f.IO, connect: f.Shop}
	cmd := &cobra.Command{
		Use:   "grafana",
		Short: "Write a data source and dashboards for Grafana",
		Long: `Write a data source and dashboards for Grafana, laid out as its provisioning directory. A dashboard can also be imported
by hand; then select the shop as its data source.`,
		Example: "shopctl export grafana\nshopctl export grafana --dir /etc/grafana/provisioning",
		Args:    cmdutil.Exactly(0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.grafana(cmd.Context()) },
	}
	o.add(cmd, "shopctl-grafana")
	return cmd
}

func newPrometheusCmd(f *cmdutil.Factory) *cobra.Command {
	o := &options{ios: f.IO, connect: f.Shop}
	cmd := &cobra.Command{
		Use:   "prometheus",
		Short: "Write prometheus.yml and the rule files for another Prometheus",
		Long: `Write prometheus.yml, which scrapes the currently running instances, and the rules of all PrometheusRule objects as rule
files. With --federate it scrapes everything from the daemon instead, recorded series included; that keeps working when
instances change.`,
		Example: `shopctl export prometheus
promtool check rules shopctl-prometheus/rules/*.yml
prometheus --config.file shopctl-prometheus/prometheus.yml --web.listen-address 127.0.0.1:9099`,
		Args: cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return o.prometheus(cmd.Context()) },
	}
	cmd.Flags().BoolVar(&o.federate, "federate", false, "scrape the daemon instead of the instances")
	o.add(cmd, "shopctl-prometheus")
	return cmd
}

// apiURL is the address of the shop's Prometheus API.
func (o *options) apiURL(ctx context.Context, shop *control.Client) (string, error) {
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return "", err
	}
	if st.GetPrometheusUrl() == "" {
		return "", cmdutil.HintErr(cmdutil.ExitFailed, "shopctl down && shopctl up", errors.New("the Prometheus API is not available"))
	}
	return st.GetPrometheusUrl(), nil
}

func (o *options) grafana(ctx context.Context) error {
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	api, err := o.apiURL(ctx, shop)
	if err != nil {
		return err
	}
	files, err := export.Grafana(api)
	if err != nil {
		return err
	}
	return o.writeConfig(files)
}

func (o *options) prometheus(ctx context.Context) error {
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	api, err := o.apiURL(ctx, shop)
	if err != nil {
		return err
	}
	files, err := o.rules(ctx, shop)
	if err != nil {
		return err
	}
	var targets []export.Target
	if !o.federate {
		if targets, err = o.targets(ctx, shop, api); err != nil {
			return err
		}
	}
	config, err := export.Prometheus(api, targets, files)
	if err != nil {
		return err
	}
	if err := o.writeConfig(append([]export.File{config}, files...)); err != nil {
		return err
	}
	o.ios.Notef("next: promtool check config %s", filepath.Join(o.dir, config.Name))
	return nil
}

func (o *options) rules(ctx context.Context, shop *control.Client) ([]export.File, error) {
	resp, err := shop.Get(ctx, &controlpb.GetRequest{Kind: resource.KindPrometheusRule, Namespace: "*"})
	if err != nil {
		return nil, err
	}
	var objects []export.RuleObject
	for _, obj := range resp.GetObjects() {
		var r monitoring.PrometheusRule
		if err := json.Unmarshal(obj.GetJson(), &r); err != nil {
			return nil, fmt.Errorf("read prometheusrule/%s: %w", obj.GetName(), err)
		}
		objects = append(objects, export.RuleObject{Namespace: obj.GetNamespace(), Name: obj.GetName(), Spec: r.Spec})
	}
	return export.RuleFiles(objects)
}

// targets are the instances, with the labels that the shop gives them, and the daemon.
func (o *options) targets(ctx context.Context, shop *control.Client, api string) ([]export.Target, error) {
	resp, err := shop.QueryMetrics(ctx, &controlpb.QueryMetricsRequest{Expr: "up"})
	if err != nil {
		return nil, err
	}
	var targets []export.Target
	for _, s := range resp.GetSeries() {
		ls := s.GetLabels()
		delete(ls, "__name__")
		address := ls["instance"]
		if ls["namespace"] == "" {
			address = api[len("http://"):]
		}
		targets = append(targets, export.Target{Address: address, Labels: ls})
	}
	return targets, nil
}
