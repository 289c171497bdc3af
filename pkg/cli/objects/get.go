package objects

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type getOptions struct {
	ios       *iostreams.IO
	connect   cmdutil.Connect
	namespace func() string
	now       func() time.Time
	format    string
	selector  string
	all       bool
}

func NewGetCmd(f *cmdutil.Factory) *cobra.Command {
	o := &getOptions{ios: f.IO, connect: f.Shop, namespace: f.Namespace, now: f.Now}
	cmd := &cobra.Command{
		Use:   "get KIND[,KIND...] [NAME...]",
		Short: "List objects or print them as manifests",
		Example: `shopctl get deployments
shopctl get deployment cartservice -o yaml
shopctl get services -l app=frontend
shopctl get virtualservices,destinationrules`,
		Args:              cmdutil.AtLeast(1, "a kind, such as deployments"),
		ValidArgsFunction: completeObjects(f),
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	cmd.Flags().StringVarP(&o.selector, "selector", "l", "", "only objects with these `LABELS`: app=frontend,version=v1")
	cmd.Flags().BoolVarP(&o.all, "all-namespaces", "A", false, "objects of every namespace")
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *getOptions) run(ctx context.Context, args []string) error {
	if len(args) == 1 && args[0] == allKinds {
		return o.runKinds(ctx, []string{resource.KindService, resource.KindDeployment})
	}
	if strings.Contains(args[0], ",") {
		if len(args) > 1 {
			return cmdutil.UsageErr("shopctl get "+args[0], "read %q: a list of kinds has no names after it", strings.Join(args, " "))
		}
		return o.runKinds(ctx, strings.Split(args[0], ","))
	}
	kind, names, err := kindAndNames(args)
	if err != nil {
		return err
	}
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	req := &controlpb.GetRequest{Kind: kind.Name, Names: names, Namespace: o.namespace(), Selector: o.selector, Overlays: true}
	if o.all {
		req.Namespace = "*"
	}
	resp, err := shop.Get(ctx, req)
	if err != nil {
		return err
	}
	if o.format != iostreams.FormatTable {
		return edit.PrintObjects(o.ios, o.format, resp.GetObjects(), len(names) == 1)
	}
	if len(resp.GetObjects()) == 0 {
		o.ios.Notef("no %s found", kind.Plural)
		return nil
	}
	return objectTable(o.now, o.ios.Out, kind, resp.GetObjects(), o.all)
}

// allKinds is kubectl's word for the kinds that run something: Services and Deployments. Their instances are in ps.
const allKinds = "all"

// runKinds lists several kinds, each in its own table.
func (o *getOptions) runKinds(ctx context.Context, words []string) error {
	kinds := make([]resource.Kind, len(words))
	for i, word := range words {
		kind, err := lookupKind(word)
		if err != nil {
			return err
		}
		kinds[i] = kind
	}
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	var objects []*controlpb.Object
	instances := false
	for _, kind := range kinds {
		req := &controlpb.GetRequest{Kind: kind.Name, Namespace: o.namespace(), Selector: o.selector}
		if o.all {
			req.Namespace = "*"
		}
		resp, err := shop.Get(ctx, req)
		if err != nil {
			return err
		}
		instances = instances || kind.Name == resource.KindDeployment
		first := len(objects) == 0
		objects = append(objects, resp.GetObjects()...)
		if o.format != iostreams.FormatTable || len(resp.GetObjects()) == 0 {
			continue
		}
		if !first {
			fmt.Fprintln(o.ios.Out)
		}
		if err := objectTable(o.now, o.ios.Out, kind, resp.GetObjects(), o.all); err != nil {
			return err
		}
	}
	switch {
	case o.format != iostreams.FormatTable:
		return edit.PrintObjects(o.ios, o.format, objects, false)
	case len(objects) == 0:
		o.ios.Notef("no %s found", strings.Join(words, " and no "))
	case instances:
		o.ios.Next("ps --instances")
	}
	return nil
}

// objectTable lists objects of one kind in its columns.
func objectTable(now func() time.Time, w io.Writer, kind resource.Kind, objects []*controlpb.Object, namespaces bool) error {
	columns := kind.Columns()
	var header []string
	if namespaces {
		header = append(header, "NAMESPACE")
	}
	for _, c := range columns {
		header = append(header, c.Header)
	}
	t := iostreams.NewTable(header...)
	for _, o := range objects {
		typed, err := edit.TypedObject(o)
		if err != nil {
			return err
		}
		var cells []string
		if namespaces {
			cells = append(cells, iostreams.OrDash(o.GetNamespace()))
		}
		for _, c := range columns {
			cells = append(cells, c.Cell(typed, now()))
		}
		t.Row(cells...)
	}
	t.Write(w)
	return nil
}
