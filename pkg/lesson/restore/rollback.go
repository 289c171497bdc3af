package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/load"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Rollback restores the recorded state; without one it does nothing. The lesson's load goes on, for a steady state
// that needs it.
func (j *Journal) Rollback(ctx context.Context) error {
	if j.before == nil {
		return nil
	}
	return j.restore(ctx, j.before)
}

// RollbackLoad ends the lesson's load and restores the one before.
func (j *Journal) RollbackLoad(ctx context.Context) error {
	if j.before == nil {
		return nil
	}
	return j.restoreLoad(ctx, j.before)
}

func (j *Journal) restore(ctx context.Context, before *state) error {
	var errs []error
	if before.undoes(format.RollbackFaults) && before.Daemon == j.daemon {
		errs = append(errs, j.clearFaults(ctx, before))
	}
	if before.undoes(format.RollbackObjects) {
		errs = append(errs, j.restoreObjects(ctx, before, func(o object) bool { return !before.Load || !isLoad(o) }))
	}
	return errors.Join(errs...)
}

func (j *Journal) restoreLoad(ctx context.Context, before *state) error {
	if !before.Load {
		return nil
	}
	return j.restoreObjects(ctx, before, isLoad)
}

func isNamespace(o object) bool { return o.Kind == resource.KindNamespace }

// isLoad reports whether an object is the Deployment that makes the load.
func isLoad(o object) bool { return o.Kind == resource.KindDeployment && o.Name == load.Workload }

// clearFaults clears all faults that were injected since, also those that do not come from the lesson.
func (j *Journal) clearFaults(ctx context.Context, before *state) error {
	resp, err := j.shop.ListFaults(ctx, &controlpb.ListFaultsRequest{})
	if err != nil {
		return fmt.Errorf("list faults: %w", err)
	}
	var ids []string
	for _, f := range resp.GetFaults() {
		if !slices.Contains(before.Faults, f.GetId()) {
			ids = append(ids, f.GetId())
		}
	}
	if len(ids) == 0 {
		return nil
	}
	if _, err := j.shop.ClearFaults(ctx, &controlpb.ClearFaultsRequest{Ids: ids}); err != nil {
		return fmt.Errorf("clear faults: %w", err)
	}
	return nil
}

// restoreObjects restores the selected objects that were changed or deleted, deletes those that were created, and
// waits until the Deployments among them have rolled out.
func (j *Journal) restoreObjects(ctx context.Context, before *state, selected func(object) bool) error {
	now, err := j.objects(ctx)
	if err != nil {
		return err
	}
	present := map[resource.Key]object{}
	for _, o := range now {
		if selected(o) {
			present[o.key()] = o
		}
	}
	var changed []object
	if before.undoes(format.RollbackObjects) {
		if changed, err = staleReaders(before.Objects, now, j.now()); err != nil {
			return err
		}
	}
	stale := byKey(changed)
	for i, o := range before.Objects {
		if marked, ok := stale[o.key()]; ok {
			before.Objects[i] = marked // so that the next rollback does not roll it out once more
			delete(present, o.key())
			continue
		}
		if selected(o) && !o.same(present[o.key()]) {
			changed = append(changed, o)
		}
		delete(present, o.key())
	}
	// Configuration goes first: instances that start because of the rest must not read it any more.
	if err := j.delete(ctx, present, isConfig); err != nil {
		return err
	}
	if err := j.replace(ctx, changed); err != nil {
		return err
	}
	if err := j.delete(ctx, present, func(o object) bool { return !isConfig(o) && !isNamespace(o) }); err != nil {
		return err
	}
	if err := j.delete(ctx, present, isNamespace); err != nil { // after the objects in it, which it would take along
		return err
	}
	if err := j.awaitRollout(ctx, changed); err != nil {
		return err
	}
	return j.awaitDrained(ctx, byKey(changed), present)
}

func (j *Journal) replace(ctx context.Context, objects []object) error {
	if len(objects) == 0 {
		return nil
	}
	// An apply would keep what was set outside of a manifest, such as an environment variable.
	req := &controlpb.ApplyRequest{Replace: true}
	for _, o := range objects {
		req.Files = append(req.Files, o.file())
	}
	if _, err := j.shop.Apply(ctx, req); err != nil {
		return fmt.Errorf("restore objects: %w", err)
	}
	return nil
}

func (j *Journal) delete(ctx context.Context, objects map[resource.Key]object, selected func(object) bool) error {
	for _, o := range objects {
		if !selected(o) {
			continue
		}
		_, err := j.shop.Delete(ctx, &controlpb.DeleteRequest{Kind: o.Kind, Names: []string{o.Name}, Namespace: o.Namespace})
		if err != nil {
			return fmt.Errorf("delete %s: %w", o.key(), err)
		}
	}
	return nil
}
