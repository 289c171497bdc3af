package wait

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/objects/find"
	"github.com/shopctl/shopctl/pkg/jsonpath"
	"github.com/shopctl/shopctl/pkg/resource"
)

// What --for can name.
type forKind int

const (
	forCondition forKind = iota
	forPath
	forCreate
	forDelete
)

// condition is one --for.
type condition struct {
	kind forKind
	// name is the type of a condition in the status.
	name string
	path *jsonpath.Template
	// value is the status of the condition, or that of the field; empty for any value of a field.
	value string
}

// parseConditions reads all --for.
func parseConditions(words []string) ([]condition, error) {
	if len(words) == 0 {
		return nil, cmdutil.UsageErr("--for condition=Available", "missing flag: --for with condition=TYPE, jsonpath=PATH, create or delete")
	}
	all := make([]condition, len(words))
	for i, word := range words {
		c, err := parseCondition(word)
		if err != nil {
			return nil, cmdutil.UsageErr("--for condition=Available", "read --for %q: %w", word, err)
		}
		all[i] = c
	}
	return all, nil
}

func parseCondition(word string) (condition, error) {
	if name, ok := strings.CutPrefix(word, "condition="); ok {
		name, value, has := strings.Cut(name, "=")
		if !has {
			value = "true"
		}
		if name == "" {
			return condition{}, fmt.Errorf("want condition=TYPE or condition=TYPE=STATUS")
		}
		return condition{kind: forCondition, name: name, value: value}, nil
	}
	if text, ok := strings.CutPrefix(word, "jsonpath="); ok {
		return parsePath(text)
	}
	switch strings.ToLower(word) {
	case "create":
		return condition{kind: forCreate}, nil
	case "delete":
		return condition{kind: forDelete}, nil
	}
	return condition{}, fmt.Errorf("unrecognized condition: want condition=TYPE, jsonpath=PATH, create or delete")
}

// parsePath reads "{.status.readyReplicas}=3". An equals sign that is one of two belongs to the path.
func parsePath(text string) (condition, error) {
	path, value, has := text, "", false
	for i := 0; i < len(text); i++ {
		if text[i] != '=' {
			continue
		}
		if i+1 < len(text) && text[i+1] == '=' {
			i++
			continue
		}
		path, value, has = text[:i], strings.Trim(text[i+1:], `'"`), true
		break
	}
	if path == "" || has && value == "" {
		return condition{}, fmt.Errorf("want jsonpath='{.status.readyReplicas}'=3, or without a value")
	}
	if i := strings.IndexByte(value, '='); i >= 0 && !strings.Contains(value[i:], "==") {
		return condition{}, fmt.Errorf("want jsonpath='{.status.readyReplicas}'=3, with one value")
	}
	parsed, err := jsonpath.Path(path)
	return condition{kind: forPath, path: parsed, value: value}, err
}

// met reports whether an object has the condition. One that is to be deleted has it not.
func (c condition) met(object resource.Object) (bool, error) {
	switch c.kind {
	case forCreate:
		return true, nil
	case forDelete:
		return false, nil
	case forPath:
		return c.hasValue(object)
	}
	var status struct {
		Status struct {
			ObservedGeneration *int64
			Conditions         []struct {
				Type, Status       string
				ObservedGeneration *int64
			}
		}
	}
	data, err := json.Marshal(object)
	if err != nil {
		return false, fmt.Errorf("encode %s: %w", object.GetName(), err)
	}
	if err := json.Unmarshal(data, &status); err != nil {
		return false, fmt.Errorf("read the status of %s: %w", object.GetName(), err)
	}
	for _, found := range status.Status.Conditions {
		if !strings.EqualFold(found.Type, c.name) {
			continue
		}
		observed := found.ObservedGeneration
		if observed == nil {
			observed = status.Status.ObservedGeneration
		}
		if observed != nil && *observed < object.GetGeneration() {
			return false, nil // of an earlier version of the object
		}
		return strings.EqualFold(found.Status, c.value), nil
	}
	return false, nil
}

// hasValue reports whether the path leads to one value, and that is the wanted one.
func (c condition) hasValue(object resource.Object) (bool, error) {
	tree, err := find.Tree(object)
	if err != nil {
		return false, err
	}
	found, err := c.path.Find(tree)
	switch {
	case err != nil:
		return false, cmdutil.UsageErr("--for jsonpath='{.status.readyReplicas}'=3", "read --for: %w", err)
	case len(found) == 0:
		return false, nil
	case len(found) > 1:
		return false, cmdutil.UsageErr("--for jsonpath='{.status.readyReplicas}'=3", "read --for: the path leads to more than one value of %s", object.GetName())
	case c.value == "":
		return true, nil
	}
	switch found[0].(type) {
	case map[string]any, []any:
		return false, cmdutil.UsageErr("--for jsonpath='{.status.readyReplicas}'=3", "read --for: the path leads to an object or a list, which has no one value")
	}
	text, err := jsonpath.Text(found[0])
	return strings.TrimSpace(text) == strings.TrimSpace(c.value), err
}
