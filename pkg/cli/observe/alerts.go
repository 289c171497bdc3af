package observe

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type alertsOptions struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	now     func() time.Time
	format  string
	fail    bool
}

func NewAlertsCmd(f *cmdutil.Factory) *cobra.Command {
	o := &alertsOptions{ios: f.IO, connect: f.Shop, now: f.Now}
	cmd := &cobra.Command{
		Use:   "alerts",
		Short: "List pending and firing alerts",
		Long: `List pending and firing alerts. Alerts come from the rules in PrometheusRule objects: those of the shop, and any that
you apply. With --fail, the command exits with 1 if an alert is firing.`,
		Example: `shopctl alerts
shopctl alerts --fail && echo all is well
shopctl get prometheusrule shop -o yaml`,
		Args: cmdutil.Exactly(0, ""),
	}
	list := &cobra.Command{
		Use: "list", Short: "List pending and firing alerts", Args: cmdutil.Exactly(0, ""), Example: "shopctl alerts list -o json",
	}
	run := func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) }
	cmdutil.Group(cmd, list, newAlertsHistoryCmd(f), newAlertsRulesCmd(f))
	fallback := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fallback(cmd, args)
		}
		return run(cmd, args)
	}
	list.RunE = run
	for _, c := range []*cobra.Command{cmd, list} {
		c.Flags().BoolVar(&o.fail, "fail", false, "exit with 1 if an alert is firing")
		cmdutil.AddOutput(c, &o.format)
		cmdutil.Exits(c, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
	}
	return cmd
}

type alertView struct {
	Name        string            `json:"name"`
	State       string            `json:"state"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Value       string            `json:"value"`
	ActiveSince string            `json:"active_since"`
	Fired       string            `json:"fired,omitempty"`
}

type alertsView struct {
	Alerts []alertView `json:"alerts"`
}

func (v alertsView) Names() []string {
	var names []string
	for _, a := range v.Alerts {
		names = append(names, a.Name)
	}
	return names
}

// listAlerts returns the alerts and the rules of the shop.
func listAlerts(ctx context.Context, connect cmdutil.Connect) (*controlpb.ListAlertsResponse, error) {
	shop, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	defer shop.Close()
	return shop.ListAlerts(ctx, &controlpb.ListAlertsRequest{})
}

func (o *alertsOptions) run(ctx context.Context) error {
	resp, err := listAlerts(ctx, o.connect)
	if err != nil {
		return err
	}
	view := alertsView{Alerts: []alertView{}}
	firing := 0
	for _, a := range resp.GetAlerts() {
		if a.GetState() == "firing" {
			firing++
		}
		v := alertView{
			Name: a.GetName(), State: a.GetState(), Labels: a.GetLabels(), Annotations: a.GetAnnotations(),
			Value: number(a.GetValue()), ActiveSince: cmdutil.RFC3339(a.GetActiveSince()),
		}
		if a.GetFired() != nil {
			v.Fired = cmdutil.RFC3339(a.GetFired())
		}
		view.Alerts = append(view.Alerts, v)
	}
	err = o.ios.Print(o.format, view, func(w io.Writer) { o.table(w, resp) })
	if err == nil && o.format == iostreams.FormatTable && len(resp.GetAlerts()) > 0 {
		o.ios.Next("alerts history")
	}
	if err == nil && o.fail && firing > 0 {
		return cmdutil.ExitErr(cmdutil.ExitFailed)
	}
	return err
}

func (o *alertsOptions) table(w io.Writer, resp *controlpb.ListAlertsResponse) {
	if len(resp.GetAlerts()) == 0 {
		fmt.Fprintf(w, "no alert is pending or firing; %d rules are active\n", len(resp.GetRules()))
		return
	}
	t := iostreams.NewTable("STATE", "ALERT", "SEVERITY", "SINCE", "SUMMARY")
	for _, a := range resp.GetAlerts() {
		t.Row(alertState(o.ios, a.GetState()), a.GetName(), iostreams.OrDash(a.GetLabels()["severity"]), cmdutil.Age(o.now(), a.GetActiveSince().AsTime()), alertSummary(a.GetAnnotations()["summary"], a.GetLabels()))
	}
	t.Write(w)
}

// alertSummary describes an alert: its summary, else its labels.
func alertSummary(summary string, labels map[string]string) string {
	if summary != "" {
		return summary
	}
	var pairs []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		if k != "alertname" {
			pairs = append(pairs, k+"="+labels[k])
		}
	}
	return iostreams.OrDash(strings.Join(pairs, ","))
}

// alertState formats the state of an alert for a table.
func alertState(ios *iostreams.IO, state string) string {
	tones := map[string]iostreams.Tone{"firing": iostreams.ToneBad, "pending": iostreams.ToneWarn, "resolved": iostreams.ToneGood}
	t, ok := tones[strings.TrimSpace(state)]
	if !ok {
		t = iostreams.ToneFaint
	}
	return ios.Paint(t, state)
}

type alertsRulesOptions struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	format  string
}

type alertRuleView struct {
	Object         string            `json:"object"`
	Group          string            `json:"group"`
	Name           string            `json:"name"`
	State          string            `json:"state"`
	Expr           string            `json:"expr"`
	For            string            `json:"for"`
	KeepFiringFor  string            `json:"keep_firing_for"`
	Labels         map[string]string `json:"labels"`
	Annotations    map[string]string `json:"annotations"`
	LastError      string            `json:"last_error"`
	LastEvaluation string            `json:"last_evaluation"`
}

type alertRulesView struct {
	Rules []alertRuleView `json:"rules"`
}

func (v alertRulesView) Names() []string {
	var names []string
	for _, r := range v.Rules {
		names = append(names, r.Name)
	}
	return names
}

func newAlertsRulesCmd(f *cmdutil.Factory) *cobra.Command {
	o := &alertsRulesOptions{ios: f.IO, connect: f.Shop}
	cmd := &cobra.Command{
		Use:     "rules",
		Short:   "List alerting rules and their state",
		Example: "shopctl alerts rules\nshopctl describe prometheusrule shop",
		Args:    cmdutil.Exactly(0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *alertsRulesOptions) run(ctx context.Context) error {
	resp, err := listAlerts(ctx, o.connect)
	if err != nil {
		return err
	}
	view := alertRulesView{Rules: []alertRuleView{}}
	for _, r := range resp.GetRules() {
		view.Rules = append(view.Rules, alertRuleView{
			Object: r.GetObject(), Group: r.GetGroup(), Name: r.GetName(), State: r.GetState(), Expr: r.GetExpr(),
			For: r.GetFor().AsDuration().String(), KeepFiringFor: r.GetKeepFiringFor().AsDuration().String(),
			Labels: r.GetLabels(), Annotations: r.GetAnnotations(), LastError: r.GetLastError(), LastEvaluation: cmdutil.RFC3339(r.GetLastEvaluation()),
		})
	}
	return o.ios.Print(o.format, view, func(w io.Writer) {
		t := iostreams.NewTable("STATE", "ALERT", "SEVERITY", "FOR", "OBJECT", "EXPRESSION")
		for i, r := range view.Rules {
			hold := "-"
			if d := resp.GetRules()[i].GetFor().AsDuration(); d > 0 {
				hold = humanize.Span(d)
			}
			text := strings.Join(strings.Fields(r.Expr), " ")
			if r.LastError != "" {
				text = o.ios.Paint(iostreams.ToneBad, r.LastError)
			}
			t.Row(alertState(o.ios, r.State), r.Name, iostreams.OrDash(r.Labels["severity"]), hold, r.Object, text)
		}
		t.Write(w)
	})
}
