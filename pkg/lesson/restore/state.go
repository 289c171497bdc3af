package restore

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/render"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// state is the part of the shop that a lesson may change and must restore.
type state struct {
	Lesson  string   `json:"lesson"`
	Daemon  string   `json:"daemon"`
	Faults  []string `json:"faults"`
	Objects []object `json:"objects"`
	// Undo names the parts to restore.
	Undo []format.Rollback `json:"undo"`
	// Load is set if the lesson has a load of its own.
	Load bool `json:"load,omitempty"`
}

func (st *state) undoes(what format.Rollback) bool { return slices.Contains(st.Undo, what) }

// object is an object without its server-managed fields.
type object struct {
	Kind      string          `json:"kind"`
	Namespace string          `json:"namespace"`
	Name      string          `json:"name"`
	JSON      json.RawMessage `json:"json"`
}

func (o object) key() resource.Key {
	return resource.Key{Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}
}

func (o object) same(other object) bool { return bytes.Equal(o.JSON, other.JSON) }

// file is the object as a manifest.
func (o object) file() *controlpb.File {
	return &controlpb.File{Name: strings.ToLower(o.Kind) + "-" + o.Name + ".json", Content: o.JSON}
}

// Record keeps the present state of the shop, to which Rollback leads back.
func (j *Journal) Record(ctx context.Context, l *format.Lesson) error {
	st := &state{Lesson: l.Key(), Undo: l.Undo(), Daemon: j.daemon, Load: l.Shop.Load > 0}
	faults, err := j.shop.ListFaults(ctx, &controlpb.ListFaultsRequest{})
	if err != nil {
		return fmt.Errorf("list faults: %w", err)
	}
	for _, f := range faults.GetFaults() {
		st.Faults = append(st.Faults, f.GetId())
	}
	if st.Objects, err = j.objects(ctx); err != nil {
		return err
	}
	j.before = st
	return j.write(st)
}

// objects returns all objects of the kinds that can be restored, in the order in which they are applied.
func (j *Journal) objects(ctx context.Context) ([]object, error) {
	var all []object
	for _, kind := range resource.Kinds() {
		if !kind.Restorable {
			continue
		}
		resp, err := j.shop.Get(ctx, &controlpb.GetRequest{Kind: kind.Name})
		if err != nil {
			return nil, fmt.Errorf("read objects of kind %s: %w", kind.Name, err)
		}
		for _, o := range resp.GetObjects() {
			found, err := resource.FromJSON(kind.Name, o.GetJson())
			if err != nil {
				return nil, fmt.Errorf("read %s %s: %w", kind.Singular(), o.GetName(), err)
			}
			clean, err := encode(found)
			if err != nil {
				return nil, err
			}
			all = append(all, object{Kind: kind.Name, Namespace: o.GetNamespace(), Name: o.GetName(), JSON: clean})
		}
	}
	return all, nil
}

// encode writes an object without its server-managed fields. The record of the last apply stays: the next one is
// merged with it.
func encode(o resource.Object) ([]byte, error) {
	clean := render.Clean(o)
	clean.SetAnnotations(o.GetAnnotations())
	text, err := render.ToJSON(clean)
	if err != nil {
		return nil, err
	}
	var compact bytes.Buffer // as it comes back from the journal
	err = json.Compact(&compact, text)
	return compact.Bytes(), err
}
