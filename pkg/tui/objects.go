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
func (f *feed) list(ctx context.Context, shop Shop) ([]object, error) {
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
	return all, nil
}

// manifest asks for one object, and returns the lines of its YAML. Values of Secrets are hidden: a screen is
// seen by others.
func (f *feed) manifest(ctx context.Context, shop Shop, key resource.Key) ([]string, error) {
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

// fieldLine is the line of YAML that a path such as "spec.containers[name=server].image" leads to, -1 if there
// is none: the keys of the path are sought one after the other.
func fieldLine(lines []string, path string) int {
	at := -1
	for _, part := range pathParts(path) {
		key, next := part+":", -1
		for i := at + 1; i < len(lines); i++ {
			text := strings.TrimLeft(strings.TrimLeft(lines[i], " "), "- ")
			if strings.HasPrefix(text, key) || strings.HasPrefix(text, `"`+part+`":`) {
				next = i
				break
			}
		}
		if next < 0 {
			return at
		}
		at = next
	}
	return at
}

// pathParts are the keys of a path, without what chooses among the elements of a list.
func pathParts(path string) []string {
	var parts []string
	for path != "" {
		end := strings.IndexAny(path, ".[")
		switch {
		case end < 0:
			return append(parts, path)
		case end > 0:
			parts = append(parts, path[:end])
		}
		inside, rest, found := strings.Cut(path[end:], "]")
		if path[end] == '.' || !found {
			path = path[end+1:]
			continue
		}
		if quoted := strings.Trim(inside, `["`); strings.Contains(inside, `"`) {
			parts = append(parts, quoted)
		}
		path = strings.TrimPrefix(rest, ".")
	}
	return parts
}

// byKind orders objects: what people change comes first, accounts and namespaces last.
func byKind(all []object) {
	order := func(kind string) int {
		return slices.Index([]string{
			resource.KindNamespace, resource.KindServiceAccount, resource.KindPrometheusRule, resource.KindSecret, resource.KindConfigMap, resource.KindService,
			resource.KindDeployment,
		}, kind)
	}
	slices.SortStableFunc(all, func(a, b object) int {
		return cmp.Or(cmp.Compare(order(b.Kind), order(a.Kind)), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
}
