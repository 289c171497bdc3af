package get

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/shopctl/shopctl/pkg/cli/objects/find"
	"github.com/shopctl/shopctl/pkg/resource"
)

// pollInterval is how late a change may be noticed.
const pollInterval = 250 * time.Millisecond

// seen is an object as it was printed last.
type seen struct {
	object resource.Object
	text   []byte
}

// follow prints the objects, and then each one that is new, changed or gone, until the context ends. One that is gone is
// printed as it was, as kubectl does.
func (o *options) follow(ctx context.Context, fetch func() ([]group, error)) error {
	known := map[string]map[string]seen{}
	tables := map[string]*table{}
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for first := true; ; first = false {
		groups, err := fetch()
		if err != nil && !(find.NotFound(err) && !first) {
			return err
		}
		for _, g := range groups {
			changed, err := changes(known, g)
			if err != nil {
				return err
			}
			if first && o.watchOnly || len(changed) == 0 {
				continue
			}
			if tables[g.kind.Name] == nil {
				tables[g.kind.Name] = o.newTable(g.kind, len(groups) > 1)
			}
			if err := o.printChanges(tables[g.kind.Name], changed); err != nil {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// changes are the objects of a kind that differ from those known, which they become.
func changes(known map[string]map[string]seen, g group) ([]resource.Object, error) {
	before, now := known[g.kind.Name], map[string]seen{}
	var changed []resource.Object
	for _, object := range g.objects {
		text, err := json.Marshal(object)
		if err != nil {
			return nil, err
		}
		key := object.GetNamespace() + "/" + object.GetName()
		now[key] = seen{object, text}
		if !bytes.Equal(before[key].text, text) {
			changed = append(changed, object)
		}
	}
	for key, was := range before {
		if _, ok := now[key]; !ok {
			changed = append(changed, was.object)
		}
	}
	known[g.kind.Name] = now
	return changed, nil
}

func (o *options) printChanges(t *table, changed []resource.Object) error {
	if o.output.tabular() {
		return t.write(changed)
	}
	for _, object := range changed {
		if err := o.print(nil, []group{{objects: []resource.Object{object}}}, true); err != nil {
			return err
		}
	}
	return nil
}
