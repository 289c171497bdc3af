package render

import (
	"maps"
	"reflect"
	"slices"

	"github.com/shopctl/shopctl/pkg/resource"
)

// Brief returns a copy of an object without what defaults fill in again: what an API server makes of the two is the same. The
// number of replicas and the kind of a volume stay, as people look for them.
func Brief(o resource.Object) (resource.Object, error) {
	k, err := resource.KindOf(o)
	if err != nil {
		return nil, err
	}
	b := brevity{kind: k}
	tree, err := resource.ToTree(o)
	if err != nil {
		return nil, err
	}
	if b.want, _, err = b.defaulted(tree); err != nil {
		return nil, err
	}
	b.tree = tree
	for _, part := range slices.Sorted(maps.Keys(tree)) {
		if part == "apiVersion" || part == "kind" || part == "metadata" {
			continue
		}
		if err := b.shorten(tree[part]); err != nil {
			return nil, err
		}
	}
	return resource.FromTree(k, tree)
}

// given are fields that stay: those that have no default, which need not be tried, and those that people look for.
var given = [...]string{
	"labels", "annotations", "matchLabels", "data", "limits", "requests", "name", "value", "image", "key", "mountPath", "containerPort", "port",
	"replicas", "emptyDir",
}

// brevity is an object that becomes shorter.
type brevity struct {
	kind resource.Kind
	// tree is the object as it is now, and want what defaults must make of it.
	tree, want map[string]any
}

// defaulted is the object of a tree with its defaults. kept reports whether the object without them has what the tree has and no
// more: some fields are written even where they are not set.
func (b *brevity) defaulted(tree map[string]any) (all map[string]any, kept bool, err error) {
	o, err := resource.FromTree(b.kind, tree)
	if err != nil {
		return nil, false, err
	}
	plain, err := resource.ToTree(o)
	if err != nil {
		return nil, false, err
	}
	b.kind.Default(o)
	all, err = resource.ToTree(o)
	return all, reflect.DeepEqual(plain, tree), err
}

// shorten removes fields of a value that are filled in again: single values, and what has become empty.
func (b *brevity) shorten(value any) error {
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if err := b.field(v, name); err != nil {
				return err
			}
		}
	case []any:
		for _, item := range v {
			if err := b.shorten(item); err != nil {
				return err
			}
		}
	}
	return nil
}

// field removes one field, if it can.
func (b *brevity) field(in map[string]any, name string) error {
	if slices.Contains(given[:], name) {
		return nil
	}
	value := in[name]
	if err := b.shorten(value); err != nil {
		return err
	}
	if inner, ok := value.(map[string]any); ok && len(inner) > 0 {
		return nil
	}
	if _, list := value.([]any); list {
		return nil
	}
	delete(in, name)
	got, kept, err := b.defaulted(b.tree)
	if err != nil || !kept || !reflect.DeepEqual(got, b.want) {
		in[name] = value
	}
	return nil
}
