package objects

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/monitoring"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func NewDescribeCmd(f *cmdutil.Factory) *cobra.Command {
	o := &describeOptions{f: f}
	return cmdutil.Exits(&cobra.Command{
		Use:   "describe KIND [NAME...]",
		Short: "Tell all about an object: its settings, its instances, what happened to it",
		Example: `shopctl describe deployment cartservice
shopctl describe service frontend`,
		Args:              cmdutil.AtLeast(1, "a kind, such as deployment"),
		ValidArgsFunction: completeObjects(f),
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

type describeOptions struct{ f *cmdutil.Factory }

func (o *describeOptions) run(ctx context.Context, args []string) error {
	kind, names, err := kindAndNames(args)
	if err != nil {
		return err
	}
	shop, err := o.f.Shop(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	resp, err := shop.Get(ctx, &controlpb.GetRequest{Kind: kind.Name, Names: names, Namespace: o.f.Namespace})
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
		o.describe(&b, kind, typed, st.GetServices())
		if kind.Name == resource.KindDeployment {
			if err := o.events(ctx, &b, shop, object.GetName()); err != nil {
				return err
			}
		}
	}
	_, err = io.WriteString(o.f.IO.Out, b.String())
	return err
}

func (o *describeOptions) describe(w io.Writer, kind resource.Kind, object resource.Object, all []*controlpb.Service) {
	field(w, "Name", object.GetName())
	if kind.Namespaced {
		field(w, "Namespace", object.GetNamespace())
	}
	if t := object.GetCreationTimestamp(); !t.IsZero() {
		field(w, "Created", t.UTC().Format("2006-01-02 15:04:05 UTC")+" ("+cmdutil.Age(o.f.Now(), t.Time)+" ago)")
	}
	fieldMap(w, "Labels", object.GetLabels())
	annotations := maps.Clone(object.GetAnnotations())
	delete(annotations, corev1.LastAppliedConfigAnnotation) // the object once more, as kubectl hides it too
	fieldMap(w, "Annotations", annotations)
	switch object := object.(type) {
	case *appsv1.Deployment:
		o.deployment(w, object, all)
	case *corev1.Service:
		service(w, object, all)
	case *corev1.ConfigMap:
		fmt.Fprintln(w, "Data:")
		for _, key := range slices.Sorted(maps.Keys(object.Data)) {
			fmt.Fprintf(w, "  %s: %q\n", key, object.Data[key])
		}
	case *corev1.Secret:
		field(w, "Type", cmp.Or(string(object.Type), string(corev1.SecretTypeOpaque)))
		fmt.Fprintln(w, "Data:")
		for _, key := range slices.Sorted(maps.Keys(object.Data)) {
			fmt.Fprintf(w, "  %s: %d bytes\n", key, len(object.Data[key]))
		}
	case *monitoring.PrometheusRule:
		describeRules(w, object.Spec)
	}
}

func (o *describeOptions) deployment(w io.Writer, d *appsv1.Deployment, all []*controlpb.Service) {
	st := d.Status
	field(w, "Selector", iostreams.Pairs(selectorOf(d)))
	field(w, "Replicas", fmt.Sprintf("%d wanted, %d updated, %d total, %d ready, %d available",
		resource.Replicas(d), st.UpdatedReplicas, st.Replicas, st.ReadyReplicas, st.AvailableReplicas))
	field(w, "Strategy", cmp.Or(string(d.Spec.Strategy.Type), string(appsv1.RollingUpdateDeploymentStrategyType)))
	if r := d.Spec.Strategy.RollingUpdate; r != nil && r.MaxUnavailable != nil && r.MaxSurge != nil {
		field(w, "Rolling update", fmt.Sprintf("%s unavailable at most, %s more at most", r.MaxUnavailable.String(), r.MaxSurge.String()))
	}
	describePods(w, d.Spec.Template)
	for _, s := range all {
		if s.GetWorkload() != d.GetName() || s.GetNamespace() != d.GetNamespace() {
			continue
		}
		field(w, "State", strings.TrimSpace(o.f.IO.State(s.GetState())+" "+s.GetMessage()))
		fmt.Fprintln(w, "Instances:")
		t := iostreams.NewTable("  NAME", "STATE", "VERSION", "PID", "ADDRESS", "RESTARTS")
		for _, in := range s.GetInstances() {
			t.Row("  "+in.GetName(), o.f.IO.State(in.GetState()), iostreams.OrDash(in.GetVersion()), fmt.Sprint(in.GetPid()), iostreams.OrDash(in.GetAddress()), fmt.Sprint(in.GetRestarts()))
		}
		t.Write(w)
		if len(s.GetFaults()) > 0 {
			field(w, "Faults", strings.Join(s.GetFaults(), "; "))
		}
	}
}

func selectorOf(d *appsv1.Deployment) map[string]string {
	if d.Spec.Selector == nil {
		return nil
	}
	return d.Spec.Selector.MatchLabels
}

// events lists the last things that happened to a Deployment.
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
		t.Row("  "+e.GetType(), e.GetReason(), cmdutil.Age(o.f.Now(), e.GetTime().AsTime()), e.GetMessage())
	}
	t.Write(w)
	return nil
}
