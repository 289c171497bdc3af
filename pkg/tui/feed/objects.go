package feed

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/render"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// Object is one line of the list of objects.
type Object struct {
	resource.Key
	Summary string
	Created time.Time // zero if unknown
}

// listObjects lists the objects of every kind.
func listObjects(ctx context.Context, shop Objects) ([]Object, error) {
	var all []Object
	for _, kind := range resource.Kinds() {
		resp, err := shop.Get(ctx, &controlpb.GetRequest{Kind: kind.Name})
		if err != nil {
			return nil, err
		}
		for _, o := range resp.GetObjects() {
			typed, err := resource.FromJSON(o.GetKind(), o.GetJson())
			if err != nil {
				return nil, fmt.Errorf("read %s/%s: %w", o.GetKind(), o.GetName(), err)
			}
			all = append(all, Object{Key: resource.KeyOf(typed), Summary: resource.Summary(typed), Created: typed.GetCreationTimestamp().Time})
		}
	}
	sortByKind(all)
	return all, nil
}

// fetchManifest returns the lines of an object's YAML. Values of Secrets are hidden: others may see the screen.
func fetchManifest(ctx context.Context, shop Objects, key resource.Key) ([]string, error) {
	resp, err := shop.Get(ctx, &controlpb.GetRequest{Kind: key.Kind, Names: []string{key.Name}, Namespace: key.Namespace})
	if err != nil {
		return nil, err
	}
	var objects []resource.Object
	for _, o := range resp.GetObjects() {
		typed, err := resource.FromJSON(o.GetKind(), o.GetJson())
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", key, err)
		}
		objects = append(objects, render.Masked(typed))
	}
	text, err := render.ToYAML(objects...)
	if err != nil {
		return nil, err
	}
	return style.CleanLines(string(text)), nil
}

// sortByKind orders objects: those that people change come first, accounts and namespaces last.
func sortByKind(all []Object) {
	kinds := resource.Kinds() // what others depend on comes first
	order := func(kind string) int {
		return slices.IndexFunc(kinds, func(k resource.Kind) bool { return k.Name == kind })
	}
	slices.SortStableFunc(all, func(a, b Object) int {
		return cmp.Or(cmp.Compare(order(b.Kind), order(a.Kind)), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
}
