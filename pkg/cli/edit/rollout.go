package edit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// WaitFlags are --wait and --timeout of the commands that change Deployments.
type WaitFlags struct {
	wait    bool
	timeout time.Duration
	// began is when the change was made, by now.
	began time.Time
	now   func() time.Time
}

// Add adds the flags to cmd.
func (o *WaitFlags) Add(cmd *cobra.Command) { o.AddFor(cmd, "wait until the change has rolled out") }

// AddFor adds the flags to cmd, whose --wait does what usage says.
func (o *WaitFlags) AddFor(cmd *cobra.Command, usage string) {
	cmd.Flags().BoolVar(&o.wait, "wait", false, usage)
	cmd.Flags().DurationVar(&o.timeout, "timeout", time.Minute, "maximum time for --wait")
	cmdutil.LimitTime(cmd, "timeout", 1, "2m")
}

// Always adds only --timeout to cmd, which always waits.
func (o *WaitFlags) Always(cmd *cobra.Command, usage string) {
	o.wait = true
	cmd.Flags().DurationVar(&o.timeout, "timeout", time.Minute, usage)
	cmdutil.LimitTime(cmd, "timeout", 1, "2m")
}

// Rollout waits, with --wait, until the Deployments among applied have rolled out.
func (o *WaitFlags) Rollout(ctx context.Context, ios *iostreams.IO, shop *control.Client, applied []*controlpb.AppliedObject) error {
	if !o.wait {
		return nil
	}
	var pending []*controlpb.Object
	for _, a := range applied {
		if a.GetObject().GetKind() == resource.KindDeployment {
			pending = append(pending, a.GetObject())
		}
	}
	if len(pending) == 0 {
		return nil
	}
	bounded, cancel := cmdutil.Within(ctx, o.timeout)
	defer cancel()
	why, err := cmdutil.Poll(ctx, bounded, pollInterval, func(ctx context.Context) (why string, err error) {
		pending, why, err = notRolledOut(ctx, shop, pending)
		return why, err
	})
	if errors.Is(err, cmdutil.ErrLate) {
		return cmdutil.HintErr(cmdutil.ExitInconclusive, ios.Command("ps --instances"), fmt.Errorf("wait for the rollout: not done after %s: %s", humanize.Span(o.timeout), why))
	}
	return err
}

// reasons are why Deployments have not rolled out, as far as their instances say: "web: readiness probe: ...".
func reasons(all []*controlpb.Service, pending []*controlpb.Object) string {
	var text []string
	for _, o := range pending {
		for _, s := range all {
			if s.GetWorkload() == o.GetName() && s.GetNamespace() == o.GetNamespace() {
				text = append(text, s.GetName()+": "+cmp.Or(instanceMessage(s), s.GetMessage(), fmt.Sprintf("%d of %d instances are ready", s.GetReady(), s.GetReplicas())))
			}
		}
	}
	return cmp.Or(strings.Join(text, "; "), "no instance is known yet")
}

// instanceMessage is which instance is not ready, and why.
func instanceMessage(s *controlpb.Service) string {
	for _, in := range s.GetInstances() {
		if in.GetMessage() != "" {
			return "pod " + in.GetName() + ": " + in.GetMessage()
		}
	}
	return ""
}

// pollInterval is the time between two checks of a rollout.
const pollInterval = 40 * time.Millisecond

// notRolledOut is which of the pending Deployments have not rolled out yet, and why.
func notRolledOut(ctx context.Context, shop *control.Client, pending []*controlpb.Object) (left []*controlpb.Object, why string, err error) {
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return pending, "", fmt.Errorf("wait for the rollout: %w", err)
	}
	for _, o := range pending {
		done, err := rolledOut(ctx, shop, o)
		if err != nil {
			return pending, "", failedFor(err, st.GetServices(), o)
		}
		if done && live(st.GetServices(), o) {
			continue
		}
		if err := errors.Join(cmdutil.Crashed(st.GetServices(), o.GetName()), impossible(st.GetServices(), o)); err != nil {
			return pending, "", err
		}
		left = append(left, o)
	}
	if len(left) == 0 {
		return nil, "", nil
	}
	return left, reasons(st.GetServices(), left), nil
}

// rolledOut reports whether the latest edit of a Deployment has rolled out, by the same conditions as
// `kubectl rollout status`.
func rolledOut(ctx context.Context, shop *control.Client, o *controlpb.Object) (bool, error) {
	resp, err := shop.Get(ctx, &controlpb.GetRequest{Kind: o.GetKind(), Names: []string{o.GetName()}, Namespace: o.GetNamespace()})
	if err != nil {
		return false, err
	}
	for _, now := range resp.GetObjects() {
		typed, err := TypedObject(now)
		if err != nil {
			return false, err
		}
		if d, ok := typed.(*appsv1.Deployment); ok {
			want, st := resource.Replicas(d), d.Status
			if st.ObservedGeneration >= d.Generation && late(d) {
				return false, errLate
			}
			return st.ObservedGeneration >= d.Generation && st.UpdatedReplicas == want && st.Replicas == want && st.AvailableReplicas == want, nil
		}
	}
	return false, nil
}

// errLate reports that a Deployment has exceeded its progress deadline.
var errLate = errors.New("it exceeded its progress deadline")

// late reports what `kubectl rollout status` ends with.
func late(d *appsv1.Deployment) bool {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentProgressing && c.Reason == "ProgressDeadlineExceeded" {
			return true
		}
	}
	return false
}

// failedFor adds the Deployment, and why its instances are not ready, to errLate.
func failedFor(err error, all []*controlpb.Service, o *controlpb.Object) error {
	if !errors.Is(err, errLate) {
		return err
	}
	return cmdutil.HintErr(cmdutil.ExitFailed, "shopctl describe deployment "+o.GetName(),
		fmt.Errorf("roll out %s: %w (progressDeadlineSeconds): %s", o.GetName(), err, reasons(all, []*controlpb.Object{o})))
}

// live reports whether a Deployment's instances are ready now. The status of the object follows a moment later: right
// after a crash it still counts the instances that are gone.
func live(all []*controlpb.Service, o *controlpb.Object) bool {
	for _, s := range all {
		if s.GetWorkload() == o.GetName() && s.GetNamespace() == o.GetNamespace() {
			return s.GetReady() >= s.GetReplicas()
		}
	}
	return true
}

// impossible returns an error for a Deployment that cannot start any instance, for example because its image is
// unknown.
func impossible(all []*controlpb.Service, o *controlpb.Object) error {
	for _, s := range all {
		if s.GetWorkload() == o.GetName() && s.GetNamespace() == o.GetNamespace() && s.GetState() == "unhealthy" && len(s.GetInstances()) == 0 {
			return cmdutil.HintErr(cmdutil.ExitFailed, "shopctl describe deployment "+o.GetName(), fmt.Errorf("start %s: %s", s.GetName(), cmp.Or(s.GetMessage(), "no instance can be started")))
		}
	}
	return nil
}
