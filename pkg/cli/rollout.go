package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// waitFlags are --wait and --timeout of the commands that change Deployments.
type waitFlags struct {
	wait    bool
	timeout time.Duration
}

func (o *waitFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.wait, "wait", false, "return when the change has rolled out")
	cmd.Flags().DurationVar(&o.timeout, "timeout", time.Minute, "how long --wait waits at most")
}

// rollout waits, if asked to, until the Deployments among applied are as they should be.
func (o *waitFlags) rollout(ctx context.Context, ios *IO, shop *control.Client, applied []*controlpb.AppliedObject) error {
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
	ctx, cancel := within(ctx, o.timeout)
	defer cancel()
	err := followRollout(ctx, shop, pending)
	if timedOut(ctx, err) {
		return hintErr(exitInconclusive, ios.command("ps --instances"), fmt.Errorf("wait for the rollout: not done after %s", shortDuration(o.timeout)))
	}
	return err
}

// within bounds ctx like context.WithTimeout, but tells nobody: gRPC would hand a deadline on to the
// daemon, which may notice its end first and close a stream as if it had gone.
func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(d, func() { cancel(context.DeadlineExceeded) })
	return ctx, func() {
		timer.Stop()
		cancel(nil)
	}
}

// timedOut tells whether err came of the end of ctx's time; ctx is one of within's.
func timedOut(ctx context.Context, err error) bool {
	return err != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded)
}

// lookAgain is the time between two looks at a rollout.
const lookAgain = 40 * time.Millisecond

// followRollout looks at the pending Deployments again and again until all are done.
func followRollout(ctx context.Context, shop *control.Client, pending []*controlpb.Object) error {
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		st, err := shop.Status(ctx, &controlpb.StatusRequest{})
		if err != nil {
			return fmt.Errorf("wait for the rollout: %w", err)
		}
		var left []*controlpb.Object
		for _, o := range pending {
			done, err := rolledOut(ctx, shop, o)
			if err != nil {
				return err
			}
			if done {
				continue
			}
			if err := errors.Join(crashed(st.GetServices(), o.GetName()), impossible(st.GetServices(), o)); err != nil {
				return err
			}
			left = append(left, o)
		}
		if pending = left; len(pending) == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// rolledOut tells whether a Deployment is as its latest edit wants it: the same conditions as those of
// `kubectl rollout status`.
func rolledOut(ctx context.Context, shop *control.Client, o *controlpb.Object) (bool, error) {
	resp, err := shop.Get(ctx, &controlpb.GetRequest{Kind: o.GetKind(), Names: []string{o.GetName()}, Namespace: o.GetNamespace()})
	if err != nil {
		return false, err
	}
	for _, now := range resp.GetObjects() {
		typed, err := typedObject(now)
		if err != nil {
			return false, err
		}
		if d, ok := typed.(*appsv1.Deployment); ok {
			want, st := resource.Replicas(d), d.Status
			return st.ObservedGeneration >= d.Generation && st.UpdatedReplicas == want && st.Replicas == want && st.AvailableReplicas == want, nil
		}
	}
	return false, nil
}

// crashed is the error of a workload that will not come up by waiting.
func crashed(all []*controlpb.Service, workload string) error {
	for _, s := range all {
		if strings.EqualFold(s.GetWorkload(), workload) && s.GetState() == "crashloop" {
			return hintErr(exitFailed, "shopctl logs --tail 20 "+s.GetName(), fmt.Errorf("start %s: %s", s.GetName(), orElse(s.GetMessage(), "it crashes again and again")))
		}
	}
	return nil
}

// impossible is the error of a Deployment that has no instance because none can be started, such as of an
// image that nothing stands for.
func impossible(all []*controlpb.Service, o *controlpb.Object) error {
	for _, s := range all {
		if s.GetWorkload() == o.GetName() && s.GetNamespace() == o.GetNamespace() && s.GetState() == "unhealthy" && len(s.GetInstances()) == 0 {
			return hintErr(exitFailed, "shopctl describe deployment "+o.GetName(), fmt.Errorf("start %s: %s", s.GetName(), orElse(s.GetMessage(), "no instance can be started")))
		}
	}
	return nil
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
