package apiserver

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// unset is the value that removes a field.
const unset = "$unset"

func join(at, path string) string {
	if at == "" || path == "" || strings.HasPrefix(path, "[") {
		return at + path
	}
	return at + "." + path
}

// split cuts "spec.ports[0].name" and "metadata.labels[a/b]" into keys; those of lists are numbers.
func split(path string) ([]string, error) {
	var keys []string
	for path != "" {
		if path[0] == '[' {
			key, rest, ok := strings.Cut(path[1:], "]")
			if !ok {
				return nil, errors.New("a bracket is not closed")
			}
			keys, path = append(keys, key), rest
			continue
		}
		path = strings.TrimPrefix(path, ".")
		end := strings.IndexAny(path, ".[")
		if end < 0 {
			end = len(path)
		}
		keys, path = append(keys, path[:end]), path[end:]
	}
	return keys, nil
}

// with returns a tree in which the value at keys is another. Mappings on the way are made, elements of lists appended.
func with(tree any, keys []string, value any) (any, error) {
	if len(keys) == 0 {
		return value, nil
	}
	if list, ok := tree.([]any); ok {
		i, err := strconv.Atoi(keys[0])
		if err != nil || i < 0 || i > len(list) {
			return nil, fmt.Errorf("%q is not an index of a list of %d", keys[0], len(list))
		}
		list = slices.Clone(list)
		if i == len(list) {
			list = append(list, nil)
		}
		list[i], err = with(list[i], keys[1:], value)
		return list, err
	}
	object, ok := tree.(map[string]any)
	if !ok {
		if tree != nil {
			return nil, fmt.Errorf("%v has no field %q", tree, keys[0])
		}
		object = map[string]any{}
	}
	if len(keys) == 1 && value == unset {
		delete(object, keys[0])
		return object, nil
	}
	inner, err := with(object[keys[0]], keys[1:], value)
	object[keys[0]] = inner
	return object, err
}
