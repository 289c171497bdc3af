// Package wait implements "shopctl wait", with kubectl's flags.
package wait

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/cli/objects/files"
	"github.com/shopctl/shopctl/pkg/cli/objects/find"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/resource"
)

type options struct {
	ios       *iostreams.IO
	connect   cmdutil.Connect
	namespace func() string

	files    files.Flags
	fors     []string
	selector string
	all      bool
	every    bool
	timeout  time.Duration
	format   string
}

// week is how long kubectl waits where --timeout is below zero.
const week = 7 * 24 * time.Hour

// NewCmd returns the command. complete completes the names of objects.
func NewCmd(f *cmdutil.Factory, complete cobra.CompletionFunc) *cobra.Command {
	o := &options{ios: f.IO, connect: f.Shop, namespace: f.Namespace}
	cmd := &cobra.Command{
		Use:   "wait KIND NAME... | KIND/NAME... | KIND -l LABELS | -f FILE --for CONDITION",
		Short: "Wait until objects have a condition",
		Long: `Wait until objects have a condition, as kubectl does:

  condition=TYPE[=STATUS]   a condition in the status; STATUS is true by default
  jsonpath=PATH[=VALUE]     a field that has a value, or any
  create                    the object exists
  delete                    the object does not exist

Several --for are awaited in turn, create first. Deployments have the conditions Available and Progressing; pods
PodScheduled, Initialized, ContainersReady and Ready.`,
		Example: `shopctl wait --for condition=Available deployment/frontend --timeout 60s
shopctl wait --for jsonpath='{.status.readyReplicas}'=2 deployment/cartservice
shopctl wait --for condition=Ready pods -l app=frontend
shopctl wait --for delete deployment/web`,
		ValidArgsFunction: complete,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.files.Limit(cmd)
			return o.run(cmd.Context(), args)
		},
	}
	o.files.Add(cmd, f)
	flags := cmd.Flags()
	flags.StringArrayVar(&o.fors, "for", nil, "the `CONDITION`: condition=TYPE[=STATUS], jsonpath=PATH[=VALUE], create, delete")
	flags.StringVarP(&o.selector, "selector", "l", "", "the objects with these `LABELS`: app=frontend,version!=v1")
	flags.BoolVar(&o.all, "all", false, "all objects of the kind in the namespace")
	flags.BoolVarP(&o.every, "all-namespaces", "A", false, "objects of every namespace")
	flags.DurationVar(&o.timeout, "timeout", 30*time.Second, "maximum time to wait; 0 looks once, below zero is a week")
	cmdutil.AddOutput(cmd, &o.format)
	cmdutil.CompleteWords(cmd, "for", "condition=Available", "condition=Progressing", "condition=Ready", "jsonpath=", "create", "delete")
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInconclusive, cmdutil.ExitInterrupted)
}

func (o *options) run(ctx context.Context, args []string) error {
	conditions, err := parseConditions(o.fors)
	if err != nil {
		return err
	}
	refs, err := o.refs(args)
	if err != nil {
		return err
	}
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	w := &waiter{options: o, shop: shop}
	limit := o.timeout
	if limit < 0 {
		limit = week
	}
	bounded, cancel := cmdutil.Within(ctx, limit)
	defer cancel()
	if slices.ContainsFunc(conditions, func(c condition) bool { return c.kind == forCreate }) {
		if err := w.created(ctx, bounded, refs); err != nil {
			return err
		}
	}
	targets, err := w.targets(ctx, refs, slices.ContainsFunc(conditions, func(c condition) bool { return c.kind == forDelete }))
	if err != nil {
		return err
	}
	var met []resource.Object
	for _, t := range targets {
		object, err := w.await(ctx, bounded, t, conditions)
		if err != nil {
			return err
		}
		met = append(met, object)
	}
	return o.print(met, len(conditions))
}

// refs are the objects that the arguments or the files name.
func (o *options) refs(args []string) ([]find.Ref, error) {
	switch {
	case len(o.files.Paths) > 0 && len(args) > 0:
		return nil, cmdutil.UsageErr("shopctl wait --help", "KIND NAME and -f cannot be combined")
	case len(o.files.Paths) > 0:
		return o.files.Refs(o.ios.In)
	case len(args) == 0:
		return nil, cmdutil.UsageErr("shopctl wait --for condition=Available deployment/frontend", "missing argument: KIND NAME, KIND/NAME, or -f FILE")
	}
	refs, err := find.Refs(args)
	if err != nil {
		return nil, err
	}
	for _, ref := range refs {
		switch {
		case len(ref.Names) == 0 && o.selector == "" && !o.all:
			return nil, cmdutil.UsageErr("shopctl get "+ref.Kind.Plural, "missing argument: the name of a %s, --all, or -l LABELS", ref.Kind.Singular())
		case len(ref.Names) > 0 && (o.selector != "" || o.all):
			return nil, cmdutil.UsageErr("leave out one of them", "a name and --all or --selector cannot be combined")
		}
	}
	return refs, nil
}

// print reports the objects, once for each condition as kubectl does.
func (o *options) print(met []resource.Object, times int) error {
	if o.format != iostreams.FormatTable {
		return edit.PrintTyped(o.ios, o.format, met, true)
	}
	for _, object := range met {
		for range times {
			if _, err := fmt.Fprintf(o.ios.Out, "%s condition met\n", iostreams.OneLine(edit.TypedRef(object))); err != nil {
				return err
			}
		}
	}
	return nil
}

// target is an object that is waited for.
type target struct {
	kind find.Kind
	// object is as it was found at first; where that was deleted, it is all that is known of it.
	object resource.Object
}

func (t target) ref() string { return t.kind.Plural + "/" + t.object.GetName() }

type waiter struct {
	*options
	shop *control.Client
}

// pollInterval is how late a change may be noticed.
const pollInterval = 100 * time.Millisecond

// targets finds the objects. With gone, those that do not exist are left out.
func (w *waiter) targets(ctx context.Context, refs []find.Ref, gone bool) ([]target, error) {
	var all []target
	for _, ref := range refs {
		queries := []find.Query{{Namespace: w.namespace(), All: w.every, Selector: w.selector}}
		if len(ref.Names) > 0 {
			queries = nil
			for _, name := range ref.Names {
				queries = append(queries, find.Query{Namespace: cmp.Or(ref.Namespace, w.namespace()), Names: []string{name}})
			}
		}
		for _, q := range queries {
			objects, err := ref.Kind.Get(ctx, w.shop, q)
			if err != nil {
				if gone && find.NotFound(err) {
					continue
				}
				return nil, err
			}
			for _, object := range objects {
				all = append(all, target{ref.Kind, object})
			}
		}
	}
	if len(all) == 0 && !gone {
		return nil, cmdutil.HintErr(cmdutil.ExitFailed, "shopctl get "+refs[0].Kind.Plural, errors.New("no matching resources found"))
	}
	return all, nil
}

// created waits until there are objects for all refs.
func (w *waiter) created(ctx, bounded context.Context, refs []find.Ref) error {
	return w.poll(ctx, bounded, func(ctx context.Context) (string, error) {
		for _, ref := range refs {
			name := ref.Kind.Plural + "/" + strings.Join(ref.Names, ",")
			if _, err := w.targets(ctx, []find.Ref{ref}, false); err != nil {
				var status *cmdutil.Error
				if find.NotFound(err) || errors.As(err, &status) && status.Code == cmdutil.ExitFailed {
					return strings.TrimSuffix(name, "/"), nil
				}
				return "", err
			}
		}
		return "", nil
	})
}

// await waits until an object has all conditions, one after another, and returns it as it then is.
func (w *waiter) await(ctx, bounded context.Context, t target, conditions []condition) (resource.Object, error) {
	for _, c := range conditions {
		err := w.poll(ctx, bounded, func(ctx context.Context) (string, error) {
			found, err := t.kind.Get(ctx, w.shop, find.Query{Namespace: t.object.GetNamespace(), Names: []string{t.object.GetName()}})
			missing := find.NotFound(err)
			switch {
			case c.kind == forDelete && (missing || err == nil && len(found) == 1 && found[0].GetUID() != t.object.GetUID()):
				return "", nil
			case err != nil:
				return "", err
			}
			t.object = found[0]
			met, err := c.met(found[0])
			if err != nil || met {
				return "", err
			}
			return t.ref(), nil
		})
		if err != nil {
			return nil, err
		}
	}
	return t.object, nil
}

// poll repeats check until there is nothing that it waits for, or once with --timeout 0.
func (w *waiter) poll(ctx, bounded context.Context, check func(context.Context) (waitsFor string, err error)) error {
	if w.timeout == 0 {
		now, err := check(ctx)
		if err != nil || now == "" {
			return err
		}
		return cmdutil.HintErr(cmdutil.ExitFailed, w.ios.Command("get "+now+" -o yaml"), fmt.Errorf("condition not met for %s", now))
	}
	waitsFor, err := cmdutil.Poll(ctx, bounded, pollInterval, check)
	if errors.Is(err, cmdutil.ErrLate) {
		return cmdutil.HintErr(cmdutil.ExitInconclusive, w.ios.Command("get "+waitsFor+" -o yaml"),
			fmt.Errorf("timed out waiting for the condition on %s after %s", waitsFor, humanize.Span(w.timeout)))
	}
	return err
}
