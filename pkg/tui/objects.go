package tui

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
)

// object is one line of the list of objects.
type object struct {
	resource.Key
	summary string
	created time.Time // zero where it is not known
}

// list asks for the objects of every kind.
func listObjects(ctx context.Context, shop Objects) ([]object, error) {
	var all []object
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
			all = append(all, object{Key: resource.KeyOf(typed), summary: resource.Summary(typed), created: typed.GetCreationTimestamp().Time})
		}
	}
	byKind(all)
	return all, nil
}

// manifest asks for one object, and returns the lines of its YAML. Values of Secrets are hidden: a screen is
// seen by others.
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
	return cleanLines(string(text)), nil
}

// byKind orders objects: what people change comes first, accounts and namespaces last.
func byKind(all []object) {
	kinds := resource.Kinds() // what others depend on comes first
	order := func(kind string) int {
		return slices.IndexFunc(kinds, func(k resource.Kind) bool { return k.Name == kind })
	}
	slices.SortStableFunc(all, func(a, b object) int {
		return cmp.Or(cmp.Compare(order(b.Kind), order(a.Kind)), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
}
