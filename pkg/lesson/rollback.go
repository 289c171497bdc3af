package lesson

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/lesson/format"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// restoredKinds are the objects that a rollback restores, in the order in which they are applied.
var restoredKinds = [...]string{"ServiceAccount", "ConfigMap", "Secret", "Service", "Deployment", "PrometheusRule"}

// state is what a lesson may change and must leave as it was.
type state struct {
	Lesson string `json:"lesson"`
	// Daemon tells one run of the daemon from the next: faults do not outlive it.
	Daemon  string   `json:"daemon"`
	Faults  []string `json:"faults"`
	Objects []object `json:"objects"`
	// Undo is what the lesson wants undone.
	Undo []format.Rollback `json:"undo"`
	// Load tells that the lesson changed the load.
	Load bool `json:"load,omitempty"`
}

type object struct {
	Kind      string          `json:"kind"`
	Namespace string          `json:"namespace"`
	Name      string          `json:"name"`
	JSON      json.RawMessage `json:"json"`
}

func (o object) key() string { return o.Kind + "/" + o.Namespace + "/" + o.Name }

// note writes down how the shop is before the lesson touches it.
func (s *Session) note(ctx context.Context) error {
	now, err := s.read(ctx)
	if err != nil {
		return err
	}
	s.before = now
	return s.book.write(now)
}

func (s *Session) read(ctx context.Context) (*state, error) {
	st := &state{Lesson: s.lesson.ID, Undo: s.lesson.Rollback, Daemon: s.book.daemon, Load: s.lesson.Shop.Load > 0}
	faults, err := s.deps.Shop.ListFaults(ctx, &controlpb.ListFaultsRequest{})
	if err != nil {
		return nil, fmt.Errorf("list faults: %w", err)
	}
	for _, f := range faults.GetFaults() {
		st.Faults = append(st.Faults, f.GetId())
	}
	if st.Objects, err = s.objects(ctx); err != nil {
		return nil, err
	}
	return st, nil
}

func (s *Session) objects(ctx context.Context) ([]object, error) {
	var all []object
	for _, kind := range restoredKinds {
		resp, err := s.deps.Shop.Get(ctx, &controlpb.GetRequest{Kind: kind})
		if err != nil {
			return nil, fmt.Errorf("read objects of kind %s: %w", kind, err)
		}
		for _, o := range resp.GetObjects() {
			clean, err := declared(o.GetJson())
			if err != nil {
				return nil, fmt.Errorf("read %s %s: %w", kind, o.GetName(), err)
			}
			all = append(all, object{Kind: kind, Namespace: o.GetNamespace(), Name: o.GetName(), JSON: clean})
		}
	}
	return all, nil
}

// declared leaves of an object what somebody declared, without what the store and the reconcilers add.
func declared(raw []byte) (json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var o map[string]any
	if err := dec.Decode(&o); err != nil {
		return nil, err
	}
	delete(o, "status")
	if meta, ok := o["metadata"].(map[string]any); ok {
		for _, added := range []string{"resourceVersion", "generation", "uid", "creationTimestamp", "managedFields", "selfLink"} {
			delete(meta, added)
		}
	}
	return json.Marshal(o)
}

// recover undoes what a session that was killed left behind.
func (s *Session) recover(ctx context.Context) error {
	left, err := s.book.read()
	if err != nil || left == nil {
		return err
	}
	if err := s.rollback(ctx, left, noLoad); err != nil {
		return fmt.Errorf("undo what lesson %s left behind: %w", left.Lesson, err)
	}
	s.message = "What lesson " + left.Lesson + " left behind is undone."
	return s.book.forget()
}

// rollback makes the shop what it was, but for the lesson's load where that is to go on.
func (s *Session) rollback(ctx context.Context, before *state, load loadAfter) error {
	var errs []error
	if slices.Contains(before.Undo, format.RollbackFaults) && before.Daemon == s.book.daemon {
		errs = append(errs, s.clearFaults(ctx, before))
	}
	all := slices.Contains(before.Undo, format.RollbackObjects)
	stops := before.Load && load == noLoad
	if all || stops {
		errs = append(errs, s.restoreObjects(ctx, before, func(o object) bool {
			if before.Load && o.Kind == "Deployment" && o.Name == loadWorkload {
				return stops
			}
			return all
		}))
	}
	return errors.Join(errs...)
}

// clearFaults clears what was injected since, by whomever: in a lesson the shop is the laboratory.
func (s *Session) clearFaults(ctx context.Context, before *state) error {
	resp, err := s.deps.Shop.ListFaults(ctx, &controlpb.ListFaultsRequest{})
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
	if _, err := s.deps.Shop.ClearFaults(ctx, &controlpb.ClearFaultsRequest{Ids: ids}); err != nil {
		return fmt.Errorf("clear faults: %w", err)
	}
	return nil
}

// restoreObjects applies objects as they were and deletes those that were not there, of those that belong.
func (s *Session) restoreObjects(ctx context.Context, before *state, belongs func(object) bool) error {
	now, err := s.objects(ctx)
	if err != nil {
		return err
	}
	current := map[string]object{}
	for _, o := range now {
		if belongs(o) {
			current[o.key()] = o
		}
	}
	var files []*controlpb.File
	var deployments []object
	if slices.Contains(before.Undo, format.RollbackObjects) {
		if deployments, files, err = rereaders(before.Objects, now, s.deps.Now()); err != nil {
			return err
		}
	}
	for _, o := range before.Objects {
		if belongs(o) && !bytes.Equal(current[o.key()].JSON, o.JSON) {
			if o.Kind == "Deployment" {
				deployments = append(deployments, o)
			}
			name := strings.ToLower(o.Kind) + "-" + o.Name + ".json"
			files = append(files, &controlpb.File{Name: name, Content: o.JSON})
		}
		delete(current, o.key())
	}
	// Settings go first: what starts because of the rest must not read them any more.
	if err := s.deleteObjects(ctx, current, isSettings); err != nil {
		return err
	}
	if len(files) > 0 {
		// To apply would keep what somebody set beside a manifest, as an environment variable.
		if _, err := s.deps.Shop.Apply(ctx, &controlpb.ApplyRequest{Files: files, Replace: true}); err != nil {
			return fmt.Errorf("restore objects: %w", err)
		}
	}
	if err := s.deleteObjects(ctx, current, func(o object) bool { return !isSettings(o) }); err != nil {
		return err
	}
	return s.awaitRollout(ctx, deployments)
}

func (s *Session) deleteObjects(ctx context.Context, objects map[string]object, which func(object) bool) error {
	for _, o := range objects {
		if !which(o) {
			continue
		}
		_, err := s.deps.Shop.Delete(ctx, &controlpb.DeleteRequest{Kind: o.Kind, Names: []string{o.Name}, Namespace: o.Namespace})
		if err != nil {
			return fmt.Errorf("delete %s %s: %w", o.Kind, o.Name, err)
		}
	}
	return nil
}
