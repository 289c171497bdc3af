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

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func NewDescribeCmd(f *cmdutil.Factory) *cobra.Command {
	o := &describeOptions{ios: f.IO, connect: f.Shop, namespace: f.Namespace, now: f.Now}
	return cmdutil.Exits(&cobra.Command{
		Use:   "describe KIND [NAME...]",
		Short: "Show an object's settings, instances and recent events",
		Example: `shopctl describe deployment cartservice
shopctl describe service frontend`,
		Args:              cmdutil.AtLeast(1, "a kind, such as deployment"),
		ValidArgsFunction: completeObjects(f),
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

type describeOptions struct {
	ios       *iostreams.IO
	connect   cmdutil.Connect
	namespace func() string
	now       func() time.Time
}

func (o *describeOptions) run(ctx context.Context, args []string) error {
	kind, names, err := kindAndNames(args)
	if err != nil {
		return err
	}
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	resp, err := shop.Get(ctx, &controlpb.GetRequest{Kind: kind.Name, Names: names, Namespace: o.namespace(), Overlays: true})
	if err != nil {
		return err
	}
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return err
	}
	var b strings.Builder
	for i, object := range resp.GetObjects() {
		if i > 0 {
			b.WriteString("\n\n")
		}
		typed, err := edit.TypedObject(object)
		if err != nil {
			return err
		}
		kind.Describe(printer{Writer: &b, ios: o.ios}, typed, live(object, st.GetServices()), o.now())
		if kind.Workload {
			if err := o.events(ctx, &b, shop, object.GetName()); err != nil {
				return err
			}
		}
	}
	_, err = io.WriteString(o.ios.Out, b.String())
	return err
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
func live(object *controlpb.Object, all []*controlpb.Service) *resource.Live {
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
