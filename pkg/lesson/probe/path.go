package probe

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/shopctl/shopctl/pkg/lazyregexp"
)

// segment is one move along a path: a name, an index, or the element of a list whose field has a value.
type segment struct {
	name         string
	index        int
	field, value string
}

// pathStep reads one segment: name, ["any name"], [3] or [field=value].
var pathStep = lazyregexp.New(`^(?:\.?([A-Za-z_][A-Za-z0-9_]*)|\["([^"]+)"\]|\[(\d{1,6})\]|\[([A-Za-z_][A-Za-z0-9_]*)=([^\]]+)\])`)

// parsePath cuts a path into its segments.
func parsePath(path string) ([]segment, error) {
	var segments []segment
	for rest := path; rest != ""; {
		m := pathStep().FindStringSubmatch(rest)
		if m == nil || rest == path && strings.HasPrefix(rest, ".") || rest != path && m[1] != "" && rest[0] != '.' {
			return nil, badPath(path)
		}
		rest = rest[len(m[0]):]
		switch {
		case m[3] != "":
			i, err := strconv.Atoi(m[3])
			if err != nil {
				return nil, badPath(path)
			}
			segments = append(segments, segment{index: i})
		case m[4] != "":
			segments = append(segments, segment{field: m[4], value: m[5]})
		default:
			segments = append(segments, segment{name: m[1] + m[2]})
		}
	}
	if len(segments) == 0 {
		return nil, badPath(path)
	}
	return segments, nil
}

func badPath(path string) error {
	return fmt.Errorf(`path %q: write names with dots and places in brackets, as products[0].name, containers[name=server].image or labels["app.kubernetes.io/name"]`, path)
}

// Find follows a path through decoded JSON (maps, slices, scalars). A name matches in either of the
// two spellings that protobuf's JSON knows: price_usd and priceUsd.
func Find(v any, path string) (any, bool) {
	segments, err := parsePath(path)
	if err != nil {
		return nil, false
	}
	for _, s := range segments {
		var ok bool
		if v, ok = s.follow(v); !ok {
			return nil, false
		}
	}
	return v, true
}

func (s segment) follow(v any) (any, bool) {
	if s.name != "" {
		object, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if found, ok := object[s.name]; ok {
			return found, true
		}
		found, ok := object[camel(s.name)]
		return found, ok
	}
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	if s.field == "" {
		if s.index >= len(list) {
			return nil, false
		}
		return list[s.index], true
	}
	for _, item := range list {
		if object, ok := item.(map[string]any); ok && fmt.Sprint(object[s.field]) == s.value {
			return item, true
		}
	}
	return nil, false
}

func camel(name string) string {
	parts := strings.Split(name, "_")
	for i, p := range parts[1:] {
		if p != "" {
			parts[i+1] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "")
}
