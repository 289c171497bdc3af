package delivery

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
)

// defaultLabel is the label by which the pods of two releases differ.
const defaultLabel = "version"

type switchOptions struct {
	ios       *iostreams.IO
	connect   cmdutil.Connect
	namespace func() string
	format    string

	to, label string
	back      bool
}

// NewSwitchCmd returns the command that gives one release all calls of a service at once.
func NewSwitchCmd(f *cmdutil.Factory) *cobra.Command {
	o := &switchOptions{ios: f.IO, connect: f.Shop, namespace: f.Namespace}
	cmd := &cobra.Command{
		Use:   "switch SERVICE --to VALUE | --back",
		Short: "Give another release all calls of a service at once, by the selector of its Service",
		Long: `Give the pods with a label all calls of a service at once (blue-green). Before the selector of the Service is edited,
all these pods have to exist, to be ready, and to answer a probe; no route of the mesh may lead elsewhere, and no canary
may be under way. Else nothing changes. The Service keeps in an annotation what its selector was: --back returns to it.

The release that has the calls now is pinned with the same command before the other one is started: --to v1.`,
		Example: `shopctl switch catalog --to v1
shopctl switch catalog --to green
shopctl switch catalog --back
shopctl get service productcatalogservice -o yaml --watch`,
		Args:              cmdutil.Exactly(1, "a service"),
		ValidArgsFunction: cmdutil.CompleteOneService(f),
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.to, "to", "", "`VALUE` of the label of the pods that get the calls")
	flags.StringVar(&o.label, "label", defaultLabel, "`LABEL` by which the pods of both releases differ")
	flags.BoolVar(&o.back, "back", false, "return to the selector before the last switch")
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("to", completeReleases(f, &o.label)))
	cmdutil.CompleteWords(cmd, "label", defaultLabel, "color")
	cmdutil.AddOutput(cmd, &o.format, iostreams.FormatTable, iostreams.FormatJSON, iostreams.FormatYAML)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

// completeReleases completes the values of a label that the pods behind a Service have, apart from its selector.
func completeReleases(f *cmdutil.Factory, label *string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		shop, err := f.Shop(cmd.Context())
		if err != nil || len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer shop.Close()
		ctx, cancel := context.WithTimeout(cmd.Context(), cmdutil.LiveTimeout)
		defer cancel()
		values, err := releases(ctx, shop, f.Namespace(), args[0], *label)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return values, cobra.ShellCompDirectiveNoFileComp
	}
}

// releases are the values of a label of the pods that a service's selector matches without that label.
func releases(ctx context.Context, shop *control.Client, namespace, word, label string) ([]string, error) {
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return nil, err
	}
	s, err := cmdutil.FindService(st, namespace, word)
	if err != nil {
		return nil, err
	}
	name := s.GetWorkload()
	if fronts := s.GetFronts(); len(fronts) > 0 && !slices.Contains(fronts, name) {
		name = fronts[0]
	}
	services, err := edit.ObjectsOf[*corev1.Service](ctx, shop, &controlpb.GetRequest{Kind: resource.KindService, Names: []string{name}, Namespace: s.GetNamespace()})
	if err != nil || len(services) == 0 {
		return nil, err
	}
	deployments, err := edit.ObjectsOf[*appsv1.Deployment](ctx, shop, &controlpb.GetRequest{Kind: resource.KindDeployment, Namespace: s.GetNamespace()})
	if err != nil {
		return nil, err
	}
	others := maps.Clone(services[0].Spec.Selector)
	delete(others, label)
	var values []string
	for _, d := range deployments {
		pod := labels.Set(d.Spec.Template.Labels)
		if value := pod[label]; value != "" && labels.SelectorFromSet(others).Matches(pod) && !slices.Contains(values, value) {
			values = append(values, iostreams.OneLine(value))
		}
	}
	return values, nil
}

// request is what the flags ask for.
func (o *switchOptions) request(cmd *cobra.Command, service string) (*controlpb.SwitchServiceRequest, error) {
	req := &controlpb.SwitchServiceRequest{Service: servicename.In(o.namespace(), service), To: o.to, Label: o.label, Back: o.back}
	switch {
	case o.back && (o.to != "" || cmd.Flags().Changed("label")):
		return nil, cmdutil.UsageErr(o.ios.Command("switch "+service+" --back"), "switch %s: --back needs neither --to nor --label", service)
	case o.back:
		req.Label = ""
	case o.to == "":
		return nil, cmdutil.UsageErr(o.ios.Command("switch "+service+" --to green"), "switch %s: which pods are to get its calls?", service)
	}
	return req, nil
}

func (o *switchOptions) run(cmd *cobra.Command, service string) error {
	req, err := o.request(cmd, service)
	if err != nil {
		return err
	}
	shop, err := o.connect(cmd.Context())
	if err != nil {
		return err
	}
	defer shop.Close()
	done, err := shop.SwitchService(cmd.Context(), req)
	if err != nil {
		return err
	}
	if err := o.ios.Print(o.format, switchViewOf(done), func(w io.Writer) { o.text(w, done) }); err != nil {
		return err
	}
	_, name, _ := strings.Cut(done.GetObject(), "/")
	if len(done.GetBehind()) > 0 {
		return cmdutil.HintErr(cmdutil.ExitFailed, o.ios.Command("mesh status"), fmt.Errorf("the selector is changed, and not in force yet in the sidecars of %s",
			iostreams.OneLine(strings.Join(done.GetBehind(), ", "))))
	}
	o.ios.Next("switch "+iostreams.OneLine(done.GetService())+" --back", "get service "+iostreams.OneLine(name)+" -o yaml")
	return nil
}

// text is a switch for people.
func (o *switchOptions) text(w io.Writer, done *controlpb.SwitchServiceResponse) {
	fmt.Fprintf(w, "%s  %s -> %s\n", o.ios.Paint(iostreams.ToneBold, iostreams.OneLine(done.GetService())),
		iostreams.OneLine(done.GetFrom()), o.ios.Paint(iostreams.ToneGood, iostreams.OneLine(done.GetTo())))
	for _, c := range done.GetChecks() {
		answer := "ready; nothing to ask it by"
		if c.GetAsked() != "" {
			answer = fmt.Sprintf("ready, %s answered in %s", iostreams.OneLine(c.GetAsked()), c.GetTook().AsDuration().Round(100*time.Microsecond))
		}
		fmt.Fprintf(w, "checked %s: %s\n", iostreams.OneLine(c.GetPod()), answer)
	}
}

type switchCheckView struct {
	Pod      string `json:"pod"`
	Workload string `json:"workload"`
	// How it was asked before the switch: "gRPC health", "GET /healthz"; empty if it cannot be asked.
	Asked  string  `json:"asked"`
	TookMS float64 `json:"took_ms"`
}

type switchView struct {
	Service string `json:"service"`
	// NAMESPACE/NAME of the Service.
	Object string `json:"object"`
	// The selectors: "app=productcatalogservice,version=green".
	From   string            `json:"from"`
	To     string            `json:"to"`
	Checks []switchCheckView `json:"checks"`
	// Pods whose sidecars do not have the selector in force yet.
	Behind []string `json:"behind"`
}

func switchViewOf(done *controlpb.SwitchServiceResponse) switchView {
	v := switchView{
		Service: done.GetService(), Object: done.GetObject(), From: done.GetFrom(), To: done.GetTo(),
		Checks: []switchCheckView{}, Behind: append([]string{}, done.GetBehind()...),
	}
	for _, c := range done.GetChecks() {
		v.Checks = append(v.Checks, switchCheckView{c.GetPod(), c.GetWorkload(), c.GetAsked(), cmdutil.Millis(c.GetTook().AsDuration())})
	}
	return v
}
