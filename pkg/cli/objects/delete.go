package objects

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/cli/objects/files"
	"github.com/shopctl/shopctl/pkg/cli/objects/find"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type deleteOptions struct {
	ios       *iostreams.IO
	connect   files.ConnectFor
	namespace func() string
	files     files.Flags
	dryRun    bool
	format    string
	wait      edit.WaitFlags
	now       func() time.Time
	selector  string
	all       bool
	// ignoreNotFound: what does not exist is ignored.
	ignoreNotFound bool
}

func NewDeleteCmd(f *cmdutil.Factory) *cobra.Command {
	o := &deleteOptions{ios: f.IO, connect: f.ConnectFor, namespace: f.Namespace, now: f.Now}
	cmd := &cobra.Command{
		Use:   "delete KIND NAME... | KIND/NAME... | -f FILE",
		Short: "Delete objects by name or by manifest",
		Example: `shopctl delete deployment myapp
shopctl delete configmaps -l app=myapp
shopctl delete -f blue-green.yaml --dry-run`,
		ValidArgsFunction: completeObjects(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.files.Limit(cmd)
			return o.run(cmd.Context(), args)
		},
	}
	o.files.Add(cmd, f)
	cmd.Flags().StringVarP(&o.selector, "selector", "l", "", "delete the objects with these `LABELS`: app=myapp,version!=v1")
	cmd.Flags().BoolVar(&o.all, "all", false, "delete all objects of the kind in the namespace")
	cmd.Flags().BoolVar(&o.ignoreNotFound, "ignore-not-found", false, "objects that do not exist are no error")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "change nothing; print what would be deleted")
	cmdutil.AddOutput(cmd, &o.format, iostreams.FormatTable, iostreams.FormatName)
	o.wait.AddFor(cmd, "wait until no sidecar follows the deleted objects of the mesh")
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInconclusive)
}

func (o *deleteOptions) run(ctx context.Context, args []string) error {
	requests, err := o.requests(args)
	if err != nil {
		return err
	}
	shop, done, err := o.connect(ctx, o.files.Opened)
	if err != nil {
		return err
	}
	defer done()
	o.wait.Begin(o.now)
	var gone []*controlpb.Object
	for _, req := range requests {
		if len(req.GetFiles()) == 0 && len(req.GetNames()) == 0 {
			if req.Names, err = o.selected(ctx, shop, req); err != nil {
				return err
			}
			if len(req.GetNames()) == 0 {
				o.ios.Notef("no objects found")
				continue
			}
		}
		some, err := o.delete(ctx, shop, req)
		if err != nil {
			return err
		}
		gone = append(gone, some...)
	}
	if o.dryRun {
		return nil
	}
	return o.wait.InForce(ctx, o.ios, shop, gone)
}

// requests are one for each kind, or one for all files.
func (o *deleteOptions) requests(args []string) ([]*controlpb.DeleteRequest, error) {
	switch {
	case len(o.files.Paths) > 0 && len(args) > 0:
		return nil, cmdutil.UsageErr("shopctl delete --help", "KIND NAME and -f cannot be combined")
	case len(o.files.Paths) > 0:
		read, err := o.files.Read(o.ios.In)
		if err != nil {
			return nil, err
		}
		if !o.ignoreNotFound {
			return []*controlpb.DeleteRequest{{Namespace: o.namespace(), DryRun: o.dryRun, Files: read}}, nil
		}
		return o.requestsOf(read)
	case len(args) == 0:
		return nil, cmdutil.UsageErr("shopctl delete --help", "missing argument: KIND NAME, or -f FILE")
	}
	refs, err := storedObjects(args)
	if err != nil {
		return nil, err
	}
	var requests []*controlpb.DeleteRequest
	for _, ref := range refs {
		switch {
		case len(ref.Names) == 0 && !o.all && o.selector == "":
			return nil, cmdutil.UsageErr("shopctl get "+ref.Kind.Plural, "missing argument: the name of a %s, --all, or -l LABELS", ref.Kind.Singular())
		case len(ref.Names) > 0 && (o.all || o.selector != ""):
			return nil, cmdutil.UsageErr("leave out one of them", "a name and --all or --selector cannot be combined")
		case !o.ignoreNotFound:
			requests = append(requests, &controlpb.DeleteRequest{Kind: ref.Kind.Name, Names: ref.Names, Namespace: o.namespace(), DryRun: o.dryRun})
			continue
		}
		for _, name := range ref.Names { // each by itself, so that one that is missing leaves the others
			requests = append(requests, &controlpb.DeleteRequest{Kind: ref.Kind.Name, Names: []string{name}, Namespace: o.namespace(), DryRun: o.dryRun})
		}
		if len(ref.Names) == 0 {
			requests = append(requests, &controlpb.DeleteRequest{Kind: ref.Kind.Name, Namespace: o.namespace(), DryRun: o.dryRun})
		}
	}
	return requests, nil
}

// requestsOf are one for each object of files, so that one that is missing leaves the others.
func (o *deleteOptions) requestsOf(read []*controlpb.File) ([]*controlpb.DeleteRequest, error) {
	manifests, err := files.Decode(read)
	if err != nil {
		return nil, err
	}
	var requests []*controlpb.DeleteRequest
	for _, m := range manifests {
		kind, err := resource.KindOf(m.Object)
		if err != nil {
			return nil, err
		}
		namespace := cmp.Or(m.Object.GetNamespace(), o.namespace())
		requests = append(requests, &controlpb.DeleteRequest{Kind: kind.Name, Names: []string{m.Object.GetName()}, Namespace: namespace, DryRun: o.dryRun})
	}
	return requests, nil
}

// selected are the names of the objects of a kind that --all or --selector mean.
func (o *deleteOptions) selected(ctx context.Context, shop *control.Client, req *controlpb.DeleteRequest) ([]string, error) {
	resp, err := shop.Get(ctx, &controlpb.GetRequest{Kind: req.GetKind(), Namespace: req.GetNamespace(), Selector: o.selector})
	var names []string
	for _, object := range resp.GetObjects() {
		names = append(names, object.GetName())
	}
	return names, err
}

// delete deletes what a request names, and prints it.
func (o *deleteOptions) delete(ctx context.Context, shop *control.Client, req *controlpb.DeleteRequest) ([]*controlpb.Object, error) {
	resp, err := shop.Delete(ctx, req)
	if err != nil {
		if o.ignoreNotFound && find.NotFound(err) {
			err = nil
		}
		return nil, err
	}
	for _, w := range resp.GetWarnings() {
		o.ios.PrintLines("warning", o.ios.ForThisShop(w))
	}
	for _, object := range resp.GetObjects() {
		line := edit.Ref(object)
		if o.format == iostreams.FormatTable {
			line += " deleted"
			if o.dryRun {
				line += " (server dry run)"
			}
		}
		if _, err := fmt.Fprintln(o.ios.Out, iostreams.OneLine(line)); err != nil {
			return nil, err
		}
	}
	return resp.GetObjects(), nil
}
