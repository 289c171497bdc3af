package restore

import (
	"context"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

const (
	// rolloutTimeout bounds the wait for Deployments that were restored; rolloutPoll is the time between two reads.
	rolloutTimeout = 30 * time.Second
	rolloutPoll    = 50 * time.Millisecond
)

// awaitRollout waits until all instances of the Deployments are of their latest revision: only then does a service
// respond as before. A timeout is not an error: the steady state reports what is wrong.
func (j *Journal) awaitRollout(ctx context.Context, changed []object) error {
	ctx, cancel := context.WithTimeout(ctx, rolloutTimeout)
	defer cancel()
	tick := time.NewTicker(rolloutPoll)
	defer tick.Stop()
	for _, o := range changed {
		for o.Kind == resource.KindDeployment {
			done, err := j.rolledOut(ctx, o)
			if err != nil && ctx.Err() == nil {
				return err
			}
			if done {
				break
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return nil
			}
		}
	}
	return nil
}

// awaitDrained waits until the old instances of changed Deployments and all instances of deleted ones are gone: one that
// drains may still call other services. A timeout is not an error, as above.
func (j *Journal) awaitDrained(ctx context.Context, changed, deleted map[resource.Key]object) error {
	ctx, cancel := context.WithTimeout(ctx, rolloutTimeout)
	defer cancel()
	tick := time.NewTicker(rolloutPoll)
	defer tick.Stop()
	for len(changed)+len(deleted) > 0 {
		st, err := j.shop.Status(ctx, &controlpb.StatusRequest{})
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("read the shop's state: %w", err)
		}
		drains := slices.ContainsFunc(st.GetServices(), func(s *controlpb.Service) bool {
			key := resource.Key{Kind: resource.KindDeployment, Namespace: s.GetNamespace(), Name: s.GetWorkload()}
			_, restored := changed[key]
			_, gone := deleted[key]
			return gone || restored && slices.ContainsFunc(s.GetInstances(), stopping)
		})
		if !drains {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

func stopping(i *controlpb.Instance) bool { return i.GetState() == "stopping" }

// rolledOut reports whether all instances of a Deployment are of its latest revision.
func (j *Journal) rolledOut(ctx context.Context, o object) (bool, error) {
	resp, err := j.shop.Get(ctx, &controlpb.GetRequest{Kind: o.Kind, Names: []string{o.Name}, Namespace: o.Namespace})
	if err != nil {
		return false, fmt.Errorf("read the rollout of %s: %w", o.key(), err)
	}
	for _, now := range resp.GetObjects() {
		parsed, err := resource.FromJSON(o.Kind, now.GetJson())
		if err != nil {
			return false, fmt.Errorf("read the rollout of %s: %w", o.key(), err)
		}
		d, ok := parsed.(*appsv1.Deployment)
		if !ok || d.Status.ObservedGeneration < d.Generation || d.Status.UpdatedReplicas < d.Status.Replicas {
			return false, nil
		}
	}
	return true, nil
}
