package jsonpath

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// path leads from a value to others. root: from the whole value, also within a range.
type path struct {
	root  bool
	steps []step
}

// The kinds of steps.
type stepKind int

const (
	self stepKind = iota
	field
	wildcard
	elements
	descend
	where
)

type step struct {
	kind   stepKind
	names  []string
	spans  []span
	filter *comparison
}

// span is some elements of a list: one, or those from a start to an end by a step.
type span struct {
	single bool
	bounds [3]*int
}

// comparison compares what two operands are for an element; without op it is true where the left one is there.
type comparison struct {
	left, right operand
	op          string
}

type operand struct {
	path    *path
	literal any
}

func (p *path) find(root, current any) ([]any, error) {
	values := []any{current}
	if p.root {
		values = []any{root}
	}
	for _, s := range p.steps {
		var next []any
		for _, v := range values {
			found, err := s.from(root, v)
			if err != nil {
				return nil, err
			}
			next = append(next, found...)
		}
		values = next
	}
	return values, nil
}

func (s step) from(root, value any) ([]any, error) {
	switch s.kind {
	case field:
		object, _ := value.(map[string]any)
		var found []any
		for _, name := range s.names {
			if v, ok := object[name]; ok {
				found = append(found, v)
			}
		}
		return found, nil
	case wildcard:
		return children(value), nil
	case elements:
		list, ok := value.([]any)
		if !ok {
			return nil, nil
		}
		var found []any
		for _, r := range s.spans {
			some, err := r.of(list)
			if err != nil {
				return nil, err
			}
			found = append(found, some...)
		}
		return found, nil
	case descend:
		return below(value, s.names[0]), nil
	case where:
		var found []any
		for _, v := range children(value) {
			ok, err := s.filter.holds(root, v)
			if err != nil {
				return nil, err
			}
			if ok {
				found = append(found, v)
			}
		}
		return found, nil
	}
	return []any{value}, nil
}

// children are the elements of a list, or the values of an object in the order of its names.
func children(value any) []any {
	switch value := value.(type) {
	case []any:
		return value
	case map[string]any:
		var all []any
		for _, name := range slices.Sorted(maps.Keys(value)) {
			all = append(all, value[name])
		}
		return all
	}
	return nil
}

// below are the values of a field at any depth; of all fields and elements, and the value itself, if the name is *.
func below(value any, name string) []any {
	var found []any
	if object, ok := value.(map[string]any); ok {
		if v, ok := object[name]; ok {
			found = append(found, v)
		}
	}
	if name == "*" {
		found = append(found, value)
	}
	for _, child := range children(value) {
		found = append(found, below(child, name)...)
	}
	return found
}

// of are the elements of a span. Negative indexes count from the end.
func (r span) of(list []any) ([]any, error) {
	at := func(i, missing int) int {
		if r.bounds[i] == nil {
			return missing
		}
		if *r.bounds[i] < 0 {
			return *r.bounds[i] + len(list)
		}
		return *r.bounds[i]
	}
	from := at(0, 0)
	if r.single {
		if from < 0 || from >= len(list) {
			return nil, fmt.Errorf("array index out of bounds: index %d, length %d", *r.bounds[0], len(list))
		}
		return list[from : from+1], nil
	}
	var found []any
	for i := max(from, 0); i < min(at(1, len(list)), len(list)); i += at(2, 1) {
		found = append(found, list[i])
	}
	return found, nil
}

// value is what an operand is for an element; false if that is nothing, or several things.
func (o operand) value(root, element any) (any, bool, error) {
	if o.path == nil {
		return o.literal, true, nil
	}
	found, err := o.path.find(root, element)
	if err != nil || len(found) != 1 {
		return nil, false, err
	}
	return found[0], true, nil
}

func (c *comparison) holds(root, element any) (bool, error) {
	left, isThere, err := c.left.value(root, element)
	if err != nil || !isThere || c.op == "" {
		return isThere, err
	}
	right, isThere, err := c.right.value(root, element)
	if err != nil || !isThere {
		return false, err
	}
	order := Compare(left, right)
	switch c.op {
	case "==":
		return order == 0, nil
	case "!=":
		return order != 0, nil
	case "<":
		return order < 0, nil
	case ">":
		return order > 0, nil
	case "<=":
		return order <= 0, nil
	}
	return order >= 0, nil
}

// Compare orders two values: numbers by their size, all else by how they are printed.
func Compare(a, b any) int {
	x, xIsNumber := number(a)
	y, yIsNumber := number(b)
	if xIsNumber && yIsNumber {
		return cmp.Compare(x, y)
	}
	left, _ := Text(a) // JSON values can be printed
	right, _ := Text(b)
	return cmp.Compare(left, right)
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	}
	return 0, false
}
