package get

import (
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/objects/find"
	"github.com/shopctl/shopctl/pkg/jsonpath"
	"github.com/shopctl/shopctl/pkg/resource"
)

// sortBy sorts objects by the first value of a path; those without one come first.
func sortBy(objects []resource.Object, path *jsonpath.Template) error {
	if path == nil {
		return nil
	}
	type keyed struct {
		object resource.Object
		keys   []any
	}
	all := make([]keyed, len(objects))
	for i, object := range objects {
		tree, err := find.Tree(object)
		if err != nil {
			return err
		}
		keys, err := path.Find(tree)
		if err != nil {
			return cmdutil.UsageErr("--sort-by .metadata.name", "sort %s: %w", object.GetName(), err)
		}
		all[i] = keyed{object, keys}
	}
	slices.SortStableFunc(all, func(a, b keyed) int {
		return slices.CompareFunc(a.keys[:min(1, len(a.keys))], b.keys[:min(1, len(b.keys))], jsonpath.Compare)
	})
	for i := range all {
		objects[i] = all[i].object
	}
	return nil
}

// condition is one part of --field-selector.
type condition struct {
	path  *jsonpath.Template
	value string
	not   bool
}

// parseFields reads "metadata.name=frontend,status.phase!=Running".
func parseFields(text string) ([]condition, error) {
	if text == "" {
		return nil, nil
	}
	var all []condition
	for part := range strings.SplitSeq(text, ",") {
		field, value, ok := strings.Cut(part, "=")
		field, not := strings.CutSuffix(field, "!")
		value = strings.TrimPrefix(value, "=")
		path, err := jsonpath.Path(field)
		if !ok || field == "" || err != nil {
			return nil, cmdutil.UsageErr("--field-selector metadata.name=frontend", "read --field-selector %q: want FIELD=VALUE or FIELD!=VALUE", part)
		}
		all = append(all, condition{path, value, not})
	}
	return all, nil
}

// matches reports whether an object has all the fields.
func matches(object resource.Object, all []condition) (bool, error) {
	if len(all) == 0 {
		return true, nil
	}
	tree, err := find.Tree(object)
	if err != nil {
		return false, err
	}
	for _, c := range all {
		found, err := c.path.Find(tree)
		if err != nil {
			return false, err
		}
		text := ""
		if len(found) > 0 {
			if text, err = jsonpath.Text(found[0]); err != nil {
				return false, err
			}
		}
		if (text == c.value) == c.not {
			return false, nil
		}
	}
	return true, nil
}
