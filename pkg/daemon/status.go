package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

// statusPause bounds how often statuses are written: what changes within it is written once.
const statusPause = 100 * time.Millisecond

// writeStatus keeps the status of the Deployments as the controller sees them, until ctx ends.
func (s *shop) writeStatus(ctx context.Context) {
	conditions := map[orchestrator.Key][]appsv1.DeploymentCondition{}
	for {
		snap, changed := s.state.Snapshot()
		seen := map[orchestrator.Key]bool{}
		for _, w := range snap.Workloads {
			seen[w.Key] = true
			conditions[w.Key] = s.conditions(w, conditions[w.Key])
			s.writeOne(ctx, w, conditions[w.Key])
		}
		for key := range conditions {
			if !seen[key] {
				delete(conditions, key)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(statusPause):
		}
	}
}

func (s *shop) writeOne(ctx context.Context, w orchestrator.Workload, conditions []appsv1.DeploymentCondition) {
	err := s.store.UpdateStatus(ctx, resource.Key{Kind: resource.KindDeployment, Namespace: w.Namespace, Name: w.Name}, appsv1.DeploymentStatus{
		ObservedGeneration:  w.ObservedGeneration,
		Replicas:            int32(w.Total),
		UpdatedReplicas:     int32(w.Updated),
		ReadyReplicas:       int32(w.Ready),
		AvailableReplicas:   int32(w.Available),
		UnavailableReplicas: int32(max(0, w.Replicas-w.Available)),
		Conditions:          conditions,
	})
	var gone *store.NotFoundError
	if err != nil && !errors.As(err, &gone) {
		s.log.Warn("write status", "workload", w.Name, "error", err)
	}
}

// conditions are Available and Progressing, as the Deployment controller of Kubernetes sets them.
func (s *shop) conditions(w orchestrator.Workload, before []appsv1.DeploymentCondition) []appsv1.DeploymentCondition {
	available := appsv1.DeploymentCondition{
		Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue, Reason: "MinimumReplicasAvailable",
		Message: "Deployment has minimum availability.",
	}
	if w.Available < w.Replicas && w.Available == 0 || w.State == "degraded" {
		available.Status, available.Reason = corev1.ConditionFalse, "MinimumReplicasUnavailable"
		available.Message = "Deployment does not have minimum availability."
		if w.Message != "" {
			available.Message = w.Message
		}
	}
	progressing := appsv1.DeploymentCondition{
		Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "ReplicaSetUpdated",
		Message: fmt.Sprintf("%d of %d instances are updated.", w.Updated, w.Replicas),
	}
	switch {
	case w.Late:
		progressing.Status, progressing.Reason = corev1.ConditionFalse, "ProgressDeadlineExceeded"
	case w.Complete:
		progressing.Reason, progressing.Message = "NewReplicaSetAvailable", "The newest revision has been rolled out."
	}
	now := metav1.NewTime(s.now().UTC().Truncate(time.Second))
	after := []appsv1.DeploymentCondition{available, progressing}
	for i := range after {
		after[i].LastTransitionTime, after[i].LastUpdateTime = now, now
		for _, old := range before {
			if old.Type != after[i].Type {
				continue
			}
			if old.Status == after[i].Status {
				after[i].LastTransitionTime = old.LastTransitionTime
				if old.Reason == after[i].Reason && old.Message == after[i].Message {
					after[i].LastUpdateTime = old.LastUpdateTime
				}
			}
		}
	}
	return after
}
