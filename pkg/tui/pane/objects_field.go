package pane

import "strings"

// fieldLine is the index of the line of YAML that a path such as "spec.containers[name=server].image" leads to, -1 if
// there is none. It looks for the keys of the path one after the other.
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

// pathParts are the keys of a path, without the selectors of list elements.
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
