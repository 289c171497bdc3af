// Package merge merges objects as kubectl apply does: three JSON trees, the object as it is (live), as it was
// applied last, and as it is applied now (next), become one. Fields in next are set; fields only in last are
// removed; fields that others set stay. Lists whose elements have a name are merged by it, according to the
// patchStrategy and patchMergeKey tags of the Kubernetes types; other lists are replaced.
package merge

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// ThreeWay merges trees of values as encoding/json makes them (numbers are float64). schema is the Go type of
// the object. The arguments are not changed; the result may share parts with them.
func ThreeWay(schema reflect.Type, live, last, next map[string]any) map[string]any {
	return mergeObject(field{schema: schema}, live, last, next)
}

// Patch merges a strategic merge patch into an object, as kubectl patch does: null removes a field, elements of lists with a
// name are merged in place, and an element or an object with "$patch": "delete" goes.
func Patch(schema reflect.Type, live, patch map[string]any) map[string]any {
	merged := mergeObject(field{schema: schema, inPlace: true}, live, nil, patch)
	removeDeleted(merged)
	return merged
}

// removeDeleted removes what a patch marked for deletion.
func removeDeleted(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, v := range value {
			if marked(v) {
				delete(value, name)
				continue
			}
			value[name] = removeDeleted(v)
		}
	case []any:
		var left []any
		for _, v := range value {
			if !marked(v) {
				left = append(left, removeDeleted(v))
			}
		}
		return left
	}
	return value
}

func marked(v any) bool {
	object, _ := v.(map[string]any)
	return object["$patch"] == "delete"
}

// field is the type information about a value.
type field struct {
	schema reflect.Type
	// merge is true for lists that are merged, by key if there is one.
	merge bool
	key   string
	// retain is true for unions: what next does not name goes.
	retain bool
	// inPlace: elements of lists keep their places, and new ones follow them.
	inPlace bool
}

func mergeObject(f field, live, last, next map[string]any) map[string]any {
	result := maps.Clone(live)
	if result == nil {
		result = map[string]any{}
	}
	maps.DeleteFunc(result, func(name string, _ any) bool {
		_, was := last[name]
		_, is := next[name]
		return !is && (was || f.retain)
	})
	for name, v := range next {
		if v == nil {
			delete(result, name)
			continue
		}
		result[name] = mergeValue(f.child(name), live[name], last[name], v)
	}
	return result
}

func mergeValue(f field, live, last, next any) any {
	switch next := next.(type) {
	case map[string]any:
		liveMap, _ := live.(map[string]any)
		lastMap, _ := last.(map[string]any)
		return mergeObject(f, liveMap, lastMap, next)
	case []any:
		liveList, _ := live.([]any)
		lastList, _ := last.([]any)
		switch {
		case f.merge && f.key != "":
			return mergeList(f, liveList, lastList, next)
		case f.merge:
			return union(liveList, lastList, next)
		}
	}
	return next
}

// list merges lists of named elements: those of next in their order, then those that others added.
func mergeList(f field, live, last, next []any) []any {
	element := field{schema: elem(f.schema), retain: f.retain, inPlace: f.inPlace}
	if f.inPlace {
		return mergeInPlace(f.key, element, live, next)
	}
	liveItems, lastItems := index(f.key, live), index(f.key, last)
	result := make([]any, 0, len(next))
	for _, item := range next {
		name := nameOf(f.key, item)
		itemMap, ok := item.(map[string]any)
		if !ok {
			result = append(result, item)
			continue
		}
		result = append(result, mergeObject(element, liveItems.take(name), lastItems.take(name), itemMap))
	}
	for _, item := range live {
		name := nameOf(f.key, item)
		if other := liveItems.take(name); other != nil && lastItems.take(name) == nil {
			result = append(result, other)
		}
	}
	return result
}

// mergeInPlace merges the elements of next into those of live with the same name; others follow at the end.
func mergeInPlace(key string, element field, live, next []any) []any {
	items := index(key, next)
	result := make([]any, 0, len(live)+len(next))
	for _, item := range live {
		if patch := items.take(nameOf(key, item)); patch != nil {
			itemMap, _ := item.(map[string]any)
			item = mergeObject(element, itemMap, nil, patch)
		}
		result = append(result, item)
	}
	for _, item := range next {
		if patch := items.take(nameOf(key, item)); patch != nil {
			result = append(result, mergeObject(element, nil, nil, patch))
		}
	}
	return result
}

// items are the elements of a list by name. Where two share one (a port for TCP and UDP), they go in order.
type items map[string][]map[string]any

func index(key string, list []any) items {
	found := items{}
	for _, item := range list {
		if object, ok := item.(map[string]any); ok {
			name := nameOf(key, item)
			found[name] = append(found[name], object)
		}
	}
	return found
}

func (i items) take(name string) map[string]any {
	list := i[name]
	if len(list) == 0 {
		return nil
	}
	i[name] = list[1:]
	return list[0]
}

func nameOf(key string, item any) string {
	object, _ := item.(map[string]any)
	return fmt.Sprint(object[key])
}

// union merges lists of plain values.
func union(live, last, next []any) []any {
	result := slices.Clone(next)
	known := map[any]bool{}
	for _, v := range slices.Concat(last, next) {
		known[v] = true
	}
	for _, v := range live {
		if !known[v] {
			known[v] = true
			result = append(result, v)
		}
	}
	return result
}

// child is the field of that JSON name; without a schema where there is none.
func (f field) child(name string) field {
	found := f.lookup(name)
	found.inPlace = f.inPlace
	return found
}

func (f field) lookup(name string) field {
	t := deref(f.schema)
	switch {
	case t == nil:
		return field{}
	case t.Kind() == reflect.Map:
		return field{schema: t.Elem()}
	case t.Kind() != reflect.Struct:
		return field{}
	}
	for i := range t.NumField() {
		sf := t.Field(i)
		tag, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if tag == "" && sf.Anonymous {
			if found := (field{schema: sf.Type}).lookup(name); found.schema != nil {
				return found
			}
			continue
		}
		if tag == name {
			strategies := strings.Split(sf.Tag.Get("patchStrategy"), ",")
			return field{
				schema: sf.Type,
				merge:  slices.Contains(strategies, "merge"),
				key:    sf.Tag.Get("patchMergeKey"),
				retain: slices.Contains(strategies, "retainKeys"),
			}
		}
	}
	return field{}
}

func elem(t reflect.Type) reflect.Type {
	if t = deref(t); t != nil && t.Kind() == reflect.Slice {
		return t.Elem()
	}
	return nil
}

func deref(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}
