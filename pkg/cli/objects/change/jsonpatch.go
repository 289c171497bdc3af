package change

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// operation is one of a JSON patch, by RFC 6902.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	From  string `json:"from"`
	Value any    `json:"value"`
}

var errMissing = errors.New("there is nothing at this path")

func (o operation) apply(tree map[string]any) error {
	var root any = tree
	switch o.Op {
	case "add":
		return at(root, o.Path, func(p place) error { return p.add(o.Value) })
	case "remove":
		return at(root, o.Path, place.remove)
	case "replace":
		return at(root, o.Path, func(p place) error { return p.replace(o.Value) })
	case "test":
		return at(root, o.Path, func(p place) error {
			value, err := p.get()
			if err == nil && !reflect.DeepEqual(value, o.Value) {
				err = fmt.Errorf("it is %v, and not %v", value, o.Value)
			}
			return err
		})
	case "copy", "move":
		var value any
		err := at(root, o.From, func(p place) (err error) {
			if value, err = p.get(); err == nil && o.Op == "move" {
				err = p.remove()
			}
			return err
		})
		if err != nil {
			return err
		}
		return at(root, o.Path, func(p place) error { return p.add(value) })
	}
	return fmt.Errorf("unknown operation: want add, remove, replace, test, copy or move")
}

// place is a member of an object, or an element of a list whose holder set replaces.
type place struct {
	object map[string]any
	list   []any
	key    string
	set    func(any)
}

// at finds the place of a JSON pointer (RFC 6901).
func at(value any, pointer string, do func(place) error) error {
	if !strings.HasPrefix(pointer, "/") {
		return fmt.Errorf("want a path that begins with /")
	}
	keys := strings.Split(pointer[1:], "/")
	set := func(any) {}
	for i, key := range keys {
		key = strings.ReplaceAll(strings.ReplaceAll(key, "~1", "/"), "~0", "~")
		here := place{key: key, set: set}
		switch value := value.(type) {
		case map[string]any:
			here.object = value
		case []any:
			here.list = value
		default:
			return errMissing
		}
		if i == len(keys)-1 {
			return do(here)
		}
		next, err := here.get()
		if err != nil {
			return err
		}
		set = func(v any) { _ = here.replace(v) } // it is there: get found it
		value = next
	}
	return nil
}

// index is the element that the key means; end is allowed for one that is added.
func (p place) index(end bool) (int, error) {
	if end && p.key == "-" {
		return len(p.list), nil
	}
	n, err := strconv.Atoi(p.key)
	if err != nil || n < 0 || n > len(p.list) || n == len(p.list) && !end {
		return 0, errMissing
	}
	return n, nil
}

func (p place) get() (any, error) {
	if p.object != nil {
		value, ok := p.object[p.key]
		if !ok {
			return nil, errMissing
		}
		return value, nil
	}
	i, err := p.index(false)
	if err != nil {
		return nil, err
	}
	return p.list[i], nil
}

func (p place) add(value any) error {
	if p.object != nil {
		p.object[p.key] = value
		return nil
	}
	i, err := p.index(true)
	if err == nil {
		p.set(slices.Insert(slices.Clone(p.list), i, value))
	}
	return err
}

func (p place) remove() error {
	if _, err := p.get(); err != nil {
		return err
	}
	if p.object != nil {
		delete(p.object, p.key)
		return nil
	}
	i, err := p.index(false)
	if err == nil {
		p.set(slices.Delete(slices.Clone(p.list), i, i+1))
	}
	return err
}

func (p place) replace(value any) error {
	if _, err := p.get(); err != nil {
		return err
	}
	if p.object != nil {
		p.object[p.key] = value
		return nil
	}
	i, err := p.index(false)
	if err == nil {
		p.list[i] = value
	}
	return err
}
