// Package change implements the verbs of kubectl that change stored objects in place: label, annotate, patch, set image, edit and
// rollout. Each reads the objects, changes them, and replaces them if they are still as they were read.
package change

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/cli/objects/find"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// editor changes objects. Its flags are those that all verbs share.
type editor struct {
	ios       *iostreams.IO
	connect   cmdutil.Connect
	namespace func() string
	now       func() time.Time
	dryRun    string
	format    string
	wait      edit.WaitFlags
}

func newEditor(f *cmdutil.Factory) *editor {
	return &editor{ios: f.IO, connect: f.Shop, namespace: f.Namespace, now: f.Now}
}

func (e *editor) add(cmd *cobra.Command) {
	edit.AddDryRun(cmd, &e.dryRun, edit.DryRunServer, "change nothing; client and server both check in the shop")
	cmdutil.AddOutput(cmd, &e.format)
	e.wait.AddFor(cmd, "wait until the change has rolled out, and is in force in all sidecars of the mesh")
	cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInconclusive)
}

// selection says which objects a verb is for: those named, or with all or a selector those of the kinds.
type selection struct {
	refs     []find.Ref
	selector string
	all      bool
}

func (s *selection) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&s.selector, "selector", "l", "", "the objects with these `LABELS`: app=frontend,version!=v1")
	cmd.Flags().BoolVar(&s.all, "all", false, "all objects of the kind in the namespace")
}

// read reads the words that name objects. All must be of stored kinds.
func (s *selection) read(args []string) error {
	if len(args) == 0 {
		return cmdutil.UsageErr("shopctl get deployments", "missing argument: KIND NAME, or KIND/NAME")
	}
	refs, err := find.Refs(args)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		switch {
		case !ref.Kind.Stored:
			return cmdutil.UsageErr("shopctl get deployments", "%s are made from Deployments and cannot be changed by themselves", ref.Kind.Plural)
		case len(ref.Names) == 0 && s.selector == "" && !s.all:
			return cmdutil.UsageErr("shopctl get "+ref.Kind.Plural, "missing argument: the name of a %s, --all, or -l LABELS", ref.Kind.Singular())
		case len(ref.Names) > 0 && (s.selector != "" || s.all):
			return cmdutil.UsageErr("leave out one of them", "a name and --all or --selector cannot be combined")
		}
	}
	s.refs = refs
	return nil
}

// objects gets the selected objects, without what faults add to them.
func (s *selection) objects(ctx context.Context, shop *control.Client, namespace string) ([]*controlpb.Object, error) {
	var found []*controlpb.Object
	for _, ref := range s.refs {
		resp, err := shop.Get(ctx, &controlpb.GetRequest{Kind: ref.Kind.Name, Names: ref.Names, Namespace: cmp.Or(ref.Namespace, namespace), Selector: s.selector})
		if err != nil {
			return nil, err
		}
		found = append(found, resp.GetObjects()...)
	}
	return found, nil
}

// attempts are how often a change is tried again that another one came between.
const attempts = 5

// run changes the selected objects, all or none. done is the word that reports it: "labeled".
func (e *editor) run(ctx context.Context, s *selection, done string, change func(kind string, tree map[string]any) error) error {
	shop, err := e.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	return e.change(ctx, shop, s, done, func(o *controlpb.Object, tree map[string]any) error { return change(o.GetKind(), tree) })
}

// change is run where the shop is connected.
func (e *editor) change(ctx context.Context, shop *control.Client, s *selection, done string, change func(o *controlpb.Object, tree map[string]any) error) error {
	for try := 1; ; try++ {
		objects, err := s.objects(ctx, shop, e.namespace())
		if err != nil {
			return err
		}
		if len(objects) == 0 {
			e.ios.Notef("no objects found")
			return nil
		}
		files := make([]*controlpb.File, len(objects))
		for i, o := range objects {
			if files[i], err = changed(o, change); err != nil {
				return err
			}
		}
		err = e.replace(ctx, shop, files, done)
		if st, ok := cmdutil.StatusOf(err); !ok || st.Code() != codes.Aborted || try == attempts {
			return err
		}
	}
}

// changed is the manifest of an object after a change.
func changed(o *controlpb.Object, change func(o *controlpb.Object, tree map[string]any) error) (*controlpb.File, error) {
	var tree map[string]any
	if err := json.Unmarshal(o.GetJson(), &tree); err != nil {
		return nil, fmt.Errorf("decode %s: %w", edit.Ref(o), err)
	}
	if err := change(o, tree); err != nil {
		var ours *cmdutil.Error
		if errors.As(err, &ours) {
			return nil, err
		}
		return nil, cmdutil.UsageErr("shopctl get "+edit.Ref(o)+" -o yaml", "%s: %w", edit.Ref(o), err)
	}
	content, err := json.Marshal(tree)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", edit.Ref(o), err)
	}
	return &controlpb.File{Content: content}, nil // without a name: a problem is then of the object, not at a line
}

// replace makes objects what files say, if they are still as they were read.
func (e *editor) replace(ctx context.Context, shop *control.Client, files []*controlpb.File, done string) error {
	e.wait.Begin(e.now)
	resp, err := shop.Apply(ctx, &controlpb.ApplyRequest{Files: files, Replace: true, Unchanged: true, DryRun: e.dryRun != edit.DryRunNone, Namespace: e.namespace()})
	if err != nil {
		return err
	}
	for _, w := range resp.GetWarnings() {
		e.ios.PrintLines("warning", w)
	}
	if err := edit.PrintApplied(e.ios, e.format, resp.GetObjects(), done, e.dryRun); err != nil || e.dryRun != edit.DryRunNone {
		return err
	}
	return e.wait.Changed(ctx, e.ios, shop, resp.GetObjects())
}

// object is a field that is an object; it is made where there is none.
func object(tree map[string]any, path ...string) map[string]any {
	for _, name := range path {
		next, ok := tree[name].(map[string]any)
		if !ok {
			next = map[string]any{}
			tree[name] = next
		}
		tree = next
	}
	return tree
}
