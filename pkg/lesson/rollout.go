package lesson

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

const (
	// rolloutTime bounds the wait for Deployments that were restored, rolloutLook is the time between two looks.
	rolloutTime = 30 * time.Second
	rolloutLook = 50 * time.Millisecond
)

// awaitRollout waits until no instance of what the lesson changed is left: a service answers as before when
// all that answer are. That it takes too long is no error here: the steady state tells what is wrong then.
func (s *Session) awaitRollout(ctx context.Context, deployments []object) error {
	ctx, cancel := context.WithTimeout(ctx, rolloutTime)
	defer cancel()
	tick := time.NewTicker(rolloutLook)
	defer tick.Stop()
	for _, o := range deployments {
		for {
			done, err := s.rolledOut(ctx, o)
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

// rolledOut tells whether all instances of a Deployment are of its latest revision.
func (s *Session) rolledOut(ctx context.Context, o object) (bool, error) {
	resp, err := s.deps.Shop.Get(ctx, &controlpb.GetRequest{Kind: o.Kind, Names: []string{o.Name}, Namespace: o.Namespace})
	if err != nil {
		return false, fmt.Errorf("look at the rollout of %s: %w", o.Name, err)
	}
	for _, now := range resp.GetObjects() {
		var d struct {
			Metadata struct{ Generation int64 }
			Status   struct {
				ObservedGeneration        int64
				Replicas, UpdatedReplicas int32
			}
		}
		if err := json.Unmarshal(now.GetJson(), &d); err != nil {
			return false, fmt.Errorf("look at the rollout of %s: %w", o.Name, err)
		}
		if d.Status.ObservedGeneration < d.Metadata.Generation || d.Status.UpdatedReplicas < d.Status.Replicas {
			return false, nil
		}
	}
	return true, nil
}
