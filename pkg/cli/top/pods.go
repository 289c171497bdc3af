// Package top implements "shopctl top pods", with kubectl's flags and columns.
package top

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/cli/objects/find"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type options struct {
	ios       *iostreams.IO
	connect   cmdutil.Connect
	namespace func() string

	selector   string
	all        bool
	containers bool
	sortBy     string
	noHeaders  bool
	sum        bool
	format     string
}

// NewPodsCmd returns the command that is a child of top.
func NewPodsCmd(f *cmdutil.Factory) *cobra.Command {
	o := &options{ios: f.IO, connect: f.Shop, namespace: f.Namespace}
	cmd := &cobra.Command{
		Use:     "pods [NAME... | -l LABELS]",
		Aliases: []string{"pod", "po"},
		Short:   "Show CPU and memory of pods, as kubectl does",
		Long: `Show what pods use, as kubectl does: CPU in thousandths of a core, averaged over the last minute, and private memory
in Mi. Pods are the instances of services; --containers has a line for each of their containers, such as a sidecar. A
pod appears some seconds after its start, once its CPU has been measured twice.`,
		Example: `shopctl top pods
shopctl top pods --sort-by memory
shopctl top pods -l app=cartservice --containers
shopctl top pods -A --sum`,
		ValidArgsFunction: o.complete,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.selector, "selector", "l", "", "only pods with these `LABELS`: app=frontend,version!=v1")
	flags.BoolVarP(&o.all, "all-namespaces", "A", false, "pods of every namespace")
	flags.BoolVar(&o.containers, "containers", false, "a line for each container")
	flags.Var(&cmdutil.EnumFlag{Value: &o.sortBy, Allowed: []string{"cpu", "memory"}, Kind: "COLUMN"}, "sort-by", "sort by this column, highest first: cpu, memory (default: by name)")
	flags.BoolVar(&o.noHeaders, "no-headers", false, "no headers in the table")
	flags.BoolVar(&o.sum, "sum", false, "add a line with the sum")
	cmdutil.CompleteWords(cmd, "sort-by", "cpu", "memory")
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInterrupted)
}

// complete completes the names of pods.
func (o *options) complete(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), cmdutil.LiveTimeout)
	defer cancel()
	shop, err := o.connect(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer shop.Close()
	pods, err := o.pods(ctx, shop, nil)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, pod := range pods {
		names = append(names, pod.GetName())
	}
	return cmdutil.Without(names, args), cobra.ShellCompDirectiveNoFileComp
}

func (o *options) run(ctx context.Context, args []string) error {
	names := make([]string, len(args))
	for i, arg := range args {
		names[i] = arg
		if kind, name, ok := strings.Cut(arg, "/"); ok {
			if k, err := find.Lookup(kind); err != nil || k.Stored || name == "" {
				return cmdutil.UsageErr(o.ios.Command("get pods"), "read %q: want the name of a pod", arg)
			}
			names[i] = name
		}
	}
	switch {
	case len(names) > 0 && o.selector != "":
		return cmdutil.UsageErr("leave out one of them", "a name and --selector cannot be combined")
	case len(names) > 0 && o.all:
		return cmdutil.UsageErr("leave out one of them", "a name and --all-namespaces cannot be combined: a name is one in a namespace")
	}
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	pods, err := o.pods(ctx, shop, names)
	if err != nil {
		return err
	}
	st, err := shop.Status(ctx, &controlpb.StatusRequest{Memory: true})
	if err != nil {
		return err
	}
	if len(pods) == 0 {
		o.ios.Notef("no resources found%s", o.where(st))
		return o.ios.Print(o.format, podsView{Pods: []podView{}}, func(io.Writer) {})
	}
	cores, err := measured(ctx, shop)
	if err != nil {
		return err
	}
	view, late := viewPods(pods, st, cores)
	if len(view.Pods) == 0 || len(late) > 0 && len(names) > 0 {
		return o.notYet(late)
	}
	if len(late) > 0 {
		o.ios.Notef("no metrics yet of %s", strings.Join(late, ", "))
	}
	o.order(view)
	return o.ios.Print(o.format, view, func(w io.Writer) { o.table(w, view) })
}

// where is the namespace in which nothing was found.
func (o *options) where(st *controlpb.StatusResponse) string {
	if o.all {
		return ""
	}
	return " in " + cmp.Or(o.namespace(), st.GetNamespace()) + " namespace"
}

func (o *options) pods(ctx context.Context, shop *control.Client, names []string) ([]resource.Object, error) {
	kind, err := find.Lookup("pods")
	if err != nil {
		return nil, err
	}
	return kind.Get(ctx, shop, find.Query{Names: names, Namespace: o.namespace(), All: o.all, Selector: o.selector})
}

// notYet is the error about pods of which there are no measurements.
func (o *options) notYet(late []string) error {
	text := "metrics not available yet"
	if len(late) == 1 {
		text += " for pod " + late[0]
	}
	return cmdutil.HintErr(cmdutil.ExitFailed, o.ios.Command("get pods"), errors.New(text+": a pod is measured within some seconds after its start"))
}

func (o *options) order(v podsView) {
	by := func(usage, usage) int { return 0 }
	switch o.sortBy {
	case "cpu":
		by = func(a, b usage) int { return cmp.Compare(b.CPUMillicores, a.CPUMillicores) }
	case "memory":
		by = func(a, b usage) int { return cmp.Compare(b.MemoryBytes, a.MemoryBytes) }
	}
	slices.SortStableFunc(v.Pods, func(a, b podView) int {
		return cmp.Or(by(a.usage, b.usage), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Pod, b.Pod))
	})
	for _, pod := range v.Pods {
		slices.SortStableFunc(pod.Containers, func(a, b containerView) int {
			return cmp.Or(by(a.usage, b.usage), cmp.Compare(a.Name, b.Name))
		})
	}
}

func (o *options) table(w io.Writer, v podsView) {
	var header []string
	if o.all {
		header = append(header, "NAMESPACE")
	}
	if o.containers {
		header = append(header, "POD")
	}
	header = append(header, "NAME", "CPU(cores)", "MEMORY(bytes)")
	t := iostreams.NewTable(header...)
	if o.noHeaders {
		t = iostreams.NewTable()
	}
	row := func(pod podView, u usage, names ...string) {
		var cells []string
		if o.all {
			cells = append(cells, pod.Namespace)
		}
		t.Row(append(append(cells, names...), u.cells()...)...)
	}
	var sum usage
	for _, pod := range v.Pods {
		sum.add(pod.cores, pod.MemoryBytes)
		if !o.containers {
			row(pod, pod.usage, pod.Pod)
			continue
		}
		for _, c := range pod.Containers {
			row(pod, c.usage, pod.Pod, c.Name)
		}
	}
	if o.sum {
		blank := make([]string, len(header)-2)
		t.Row(append(blank, "________", "________")...)
		t.Row(append(blank, sum.cells()...)...)
	}
	t.Write(w)
}

// cells are the columns of a usage.
func (u usage) cells() []string {
	memory := "<unknown>"
	if u.MemoryBytes > 0 {
		memory = fmt.Sprintf("%dMi", u.MemoryBytes>>20)
	}
	return []string{fmt.Sprintf("%dm", u.CPUMillicores), memory}
}
