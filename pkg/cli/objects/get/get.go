// Package get implements "shopctl get", with kubectl's flags.
package get

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/cli/objects/find"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/jsonpath"
	"github.com/shopctl/shopctl/pkg/resource"
)

type options struct {
	ios       *iostreams.IO
	connect   cmdutil.Connect
	namespace func() string
	now       func() time.Time

	output         output
	selector       string
	fields         string
	all            bool
	watch          bool
	watchOnly      bool
	noHeaders      bool
	showLabels     bool
	labelColumns   []string
	sortBy         string
	ignoreNotFound bool
}

// NewCmd returns the command. complete completes its arguments.
func NewCmd(f *cmdutil.Factory, complete cobra.CompletionFunc) *cobra.Command {
	o := &options{ios: f.IO, connect: f.Shop, namespace: f.Namespace, now: f.Now}
	cmd := &cobra.Command{
		Use:   "get KIND[,KIND...] [NAME...] | KIND/NAME...",
		Short: "List objects or print them as manifests",
		Long: `List objects or print them as manifests, as kubectl does. Pods are the instances that run; all is pods, services and
deployments.

-o wide adds columns. -o jsonpath='{.items[*].metadata.name}' and -o custom-columns=NAME:.metadata.name print parts of
objects.`,
		Example: `shopctl get deployments
shopctl get pods -l app=cartservice -o wide
shopctl get deployment cartservice -o yaml
shopctl get deploy/cartservice svc/cartservice
shopctl get pods --watch
shopctl get deployments -o jsonpath='{range .items[*]}{.metadata.name}{"\n"}{end}'
shopctl get virtualservices,destinationrules`,
		Args:              cmdutil.AtLeast(1, "a kind, such as deployments"),
		ValidArgsFunction: complete,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.selector, "selector", "l", "", "only objects with these `LABELS`: app=frontend,version!=v1")
	flags.StringVar(&o.fields, "field-selector", "", "only objects with these `FIELDS`: metadata.name=frontend,status.phase!=Running")
	flags.BoolVarP(&o.all, "all-namespaces", "A", false, "objects of every namespace")
	flags.BoolVarP(&o.watch, "watch", "w", false, "after the objects, print each that changes, until interrupted")
	flags.BoolVar(&o.watchOnly, "watch-only", false, "as --watch, without the objects as they are")
	flags.BoolVar(&o.noHeaders, "no-headers", false, "no headers in tables")
	flags.BoolVar(&o.showLabels, "show-labels", false, "add a column with all labels")
	flags.StringSliceVarP(&o.labelColumns, "label-columns", "L", nil, "add a column for each of these `LABELS`")
	flags.StringVar(&o.sortBy, "sort-by", "", "sort by this jsonpath `EXPRESSION`: .metadata.creationTimestamp")
	flags.BoolVar(&o.ignoreNotFound, "ignore-not-found", false, "objects that do not exist are no error")
	flags.VarP(&o.output, "output", "o", "output format: "+strings.Join(formats(), ", "))
	cmdutil.CompleteWords(cmd, "output", formats()...)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInterrupted)
}

// group are the objects of one kind.
type group struct {
	kind    find.Kind
	objects []resource.Object
}

func (o *options) run(ctx context.Context, args []string) error {
	refs, err := find.Refs(args)
	if err != nil {
		return err
	}
	fields, err := parseFields(o.fields)
	if err != nil {
		return err
	}
	var order *jsonpath.Template
	if o.sortBy != "" {
		if order, err = jsonpath.Path(o.sortBy); err != nil {
			return cmdutil.UsageErr("--sort-by .metadata.name", "read --sort-by: %w", err)
		}
	}
	named := len(refs) == 1 && len(refs[0].Names) == 1
	if named && o.all {
		return cmdutil.UsageErr("shopctl get "+refs[0].Kind.Plural+" "+refs[0].Names[0], "a name and --all-namespaces cannot be combined: a name is one in a namespace")
	}
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	fetch := func() ([]group, error) { return o.fetch(ctx, shop, refs, fields, order) }
	if o.watch || o.watchOnly {
		return o.follow(ctx, fetch)
	}
	groups, failed := fetch()
	if failed != nil && !find.NotFound(failed) {
		return failed
	}
	if failed == nil || count(groups) > 0 {
		if err := o.print(refs, groups, named); err != nil {
			return err
		}
	}
	return failed
}

func count(groups []group) int {
	n := 0
	for _, g := range groups {
		n += len(g.objects)
	}
	return n
}

// fetch gets the objects of all kinds. The objects are there also where others were not found.
func (o *options) fetch(ctx context.Context, shop *control.Client, refs []find.Ref, fields []condition, order *jsonpath.Template) ([]group, error) {
	var groups []group
	var lacking []error
	for _, ref := range refs {
		g := group{kind: ref.Kind}
		q := find.Query{Namespace: o.namespace(), All: o.all, Selector: o.selector}
		names := ref.Names
		if len(names) == 0 {
			names = []string{""}
		}
		for _, name := range names {
			q.Names = nil
			if name != "" {
				q.Names = []string{name}
			}
			some, err := ref.Kind.Get(ctx, shop, q)
			switch {
			case err == nil:
			case name != "" && find.NotFound(err):
				if !o.ignoreNotFound {
					lacking = append(lacking, err)
				}
			default:
				return nil, err
			}
			for _, object := range some {
				ok, err := matches(object, fields)
				if err != nil {
					return nil, err
				}
				if ok {
					g.objects = append(g.objects, object)
				}
			}
		}
		if err := sortBy(g.objects, order); err != nil {
			return nil, err
		}
		groups = append(groups, g)
	}
	if len(lacking) == 1 {
		return groups, lacking[0] // with its hint
	}
	return groups, errors.Join(lacking...)
}

func (o *options) print(refs []find.Ref, groups []group, single bool) error {
	if o.output.tabular() {
		return o.tables(refs, groups)
	}
	var objects []resource.Object
	for _, g := range groups {
		objects = append(objects, g.objects...)
	}
	if single && len(objects) == 0 {
		return nil // ignored
	}
	switch {
	case o.output.template != nil:
		return o.output.writeTemplate(o.ios, objects, single)
	case o.output.columns != nil:
		return o.output.writeColumns(o.ios, objects, !o.noHeaders)
	}
	return edit.PrintTyped(o.ios, o.output.format, objects, single)
}

// tables prints each kind that has objects in its own table. If there are several kinds, names have them in front.
func (o *options) tables(refs []find.Ref, groups []group) error {
	if count(groups) == 0 {
		if !o.ignoreNotFound {
			o.ios.Notef("no %s found", plurals(refs))
		}
		return nil
	}
	first := true
	for _, g := range groups {
		if len(g.objects) == 0 {
			continue
		}
		if !first {
			if _, err := o.ios.Out.Write([]byte("\n")); err != nil {
				return err
			}
		}
		first = false
		t := o.newTable(g.kind, len(groups) > 1)
		if err := t.write(g.objects); err != nil {
			return err
		}
	}
	return nil
}

func plurals(refs []find.Ref) string {
	words := make([]string, len(refs))
	for i, ref := range refs {
		words[i] = ref.Kind.Plural
	}
	return strings.Join(words, " and no ")
}
