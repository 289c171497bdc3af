package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/cli/objects/find"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func NewDescribeCmd(f *cmdutil.Factory) *cobra.Command {
	o := &describeOptions{ios: f.IO, connect: f.Shop, namespace: f.Namespace, now: f.Now}
	cmd := &cobra.Command{
		Use:   "describe KIND [NAME...] | KIND/NAME...",
		Short: "Show an object's settings, instances and recent events",
		Example: `shopctl describe deployment cartservice
shopctl describe service frontend
shopctl describe pods -l app=cartservice`,
		Args:              cmdutil.AtLeast(1, "a kind, such as deployment"),
		ValidArgsFunction: completeObjects(f),
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	cmd.Flags().StringVarP(&o.selector, "selector", "l", "", "only objects with these `LABELS`: app=frontend,version!=v1")
	cmd.Flags().BoolVarP(&o.all, "all-namespaces", "A", false, "objects of every namespace")
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

type describeOptions struct {
	ios       *iostreams.IO
	connect   cmdutil.Connect
	namespace func() string
	now       func() time.Time
	selector  string
	all       bool
}

func (o *describeOptions) run(ctx context.Context, args []string) error {
	refs, err := find.Refs(args)
	if err != nil {
		return err
	}
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	var objects []resource.Object
	for _, ref := range refs {
		some, err := ref.Kind.Get(ctx, shop, find.Query{Names: ref.Names, Namespace: o.namespace(), All: o.all, Selector: o.selector})
		if err != nil {
			return err
		}
		objects = append(objects, some...)
	}
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return err
	}
	var b strings.Builder
	for i, object := range objects {
		if i > 0 {
			b.WriteString("\n\n")
		}
		if err := o.describe(ctx, &b, shop, object, st.GetServices()); err != nil {
			return err
		}
	}
	_, err = io.WriteString(o.ios.Out, b.String())
	return err
}

func (o *describeOptions) describe(ctx context.Context, w io.Writer, shop *control.Client, object resource.Object, all []*controlpb.Service) error {
	if pod, ok := object.(*corev1.Pod); ok {
		describePod(w, pod, o.now())
		return o.events(ctx, w, shop, object.GetNamespace()+"/pod/"+object.GetName())
	}
	kind, err := resource.KindOf(object)
	if err != nil {
		return err
	}
	kind.Describe(printer{Writer: w, ios: o.ios}, object, live(object, all), o.now())
	if !kind.Workload {
		return nil
	}
	return o.events(ctx, w, shop, object.GetNamespace()+"/"+object.GetName())
}

// printer adapts descriptions to the terminal.
type printer struct {
	io.Writer
	ios *iostreams.IO
}

// Table implements resource.Printer.
func (p printer) Table(header []string, rows [][]string) {
	t := iostreams.NewTable(header...)
	for _, row := range rows {
		t.Row(row...)
	}
	t.Write(p)
}

// State implements resource.Printer.
func (p printer) State(state string) string { return p.ios.State(state) }

// live describes the instances of an object; nil if it has none.
func live(object resource.Object, all []*controlpb.Service) *resource.Live {
	i := slices.IndexFunc(all, func(s *controlpb.Service) bool {
		return s.GetWorkload() == object.GetName() && s.GetNamespace() == object.GetNamespace()
	})
	if i < 0 {
		return nil
	}
	s := all[i]
	l := &resource.Live{State: s.GetState(), Message: s.GetMessage(), Address: s.GetAddress(), Faults: s.GetFaults()}
	for _, in := range s.GetInstances() {
		l.Instances = append(l.Instances, resource.LiveInstance{
			Name: in.GetName(), State: in.GetState(), Version: in.GetVersion(), Address: in.GetAddress(), PID: in.GetPid(), Restarts: in.GetRestarts(),
		})
	}
	return l
}

// events lists the latest events of a Deployment.
func (o *describeOptions) events(ctx context.Context, w io.Writer, shop *control.Client, workload string) error {
	stream, err := shop.Events(ctx, &controlpb.EventsRequest{Service: workload})
	if err != nil {
		return err
	}
	var last []*controlpb.Event
	for {
		e, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if last = append(last, e); len(last) > 20 {
			last = last[1:]
		}
	}
	if len(last) == 0 {
		return nil
	}
	fmt.Fprintln(w, "Events:")
	t := iostreams.NewTable("  TYPE", "REASON", "AGE", "MESSAGE")
	for _, e := range last {
		t.Row("  "+e.GetType(), e.GetReason(), cmdutil.Age(o.now(), e.GetTime().AsTime()), e.GetMessage())
	}
	t.Write(w)
	return nil
}
