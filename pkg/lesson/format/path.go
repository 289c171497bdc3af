package format

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var pathPart = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)((?:\[\d{1,6}\])*)$`)

func checkPath(path string) error {
	for part := range strings.SplitSeq(path, ".") {
		if !pathPart.MatchString(part) {
			return fmt.Errorf("path %q: write names with dots and indexes in brackets, as products[0].name", path)
		}
	}
	return nil
}

// Find follows a path through decoded JSON (maps, slices, scalars). A name matches in either of the
// two spellings that protobuf's JSON knows: price_usd and priceUsd.
func Find(v any, path string) (any, bool) {
	for part := range strings.SplitSeq(path, ".") {
		m := pathPart.FindStringSubmatch(part)
		if m == nil {
			return nil, false
		}
		object, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = object[m[1]]; !ok {
			if v, ok = object[camel(m[1])]; !ok {
				return nil, false
			}
		}
		for _, index := range strings.FieldsFunc(m[2], func(r rune) bool { return r == '[' || r == ']' }) {
			list, ok := v.([]any)
			i, err := strconv.Atoi(index)
			if !ok || err != nil || i >= len(list) {
				return nil, false
			}
			v = list[i]
		}
	}
	return v, true
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
