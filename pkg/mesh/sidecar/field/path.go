package field

import (
	"strings"
)

// NormalizePath resolves the segments . and .. of a path, also where they are escaped, turns backslashes round, and
// unescapes letters, digits and the marks that need no escape. So a condition sees the path that the callee will see.
// As in Istio's default, several slashes are not merged, an escaped slash stays one, and case counts. It reports false
// for what is not an absolute path and for one with a fragment; such requests are bad.
func NormalizePath(path string) (string, bool) {
	if path == "*" {
		return path, true
	}
	if !strings.HasPrefix(path, "/") || strings.IndexByte(path, '#') >= 0 {
		return path, false
	}
	path, query, asked := strings.Cut(path, "?")
	if isNormal(path) {
		if asked {
			return path + "?" + query, true
		}
		return path, true
	}
	normal := normalize(path)
	for next := normalize(normal); next != normal; next = normalize(normal) {
		normal = next // what was unescaped can complete another escape
	}
	if asked {
		normal += "?" + query
	}
	return normal, true
}

// isNormal reports whether nothing of a path can have to be changed.
func isNormal(path string) bool {
	for i := range len(path) {
		switch path[i] {
		case '%', '\\':
			return false
		case '.':
			if path[i-1] == '/' { // a path begins with a slash
				return false
			}
		}
	}
	return true
}

func normalize(path string) string {
	out := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch {
		case c == '\\':
			c = '/'
		case c == '%':
			if decoded, ok := unescape(path[i:]); ok && isUnreserved(decoded) {
				c = decoded
				i += 2
			}
		}
		out = append(out, c)
	}
	return resolve(string(out))
}

// resolve removes dot segments. One that leads above the root stays at it, as a browser has it.
func resolve(path string) string {
	var kept []string
	segments := strings.Split(path[1:], "/")
	for i, s := range segments {
		last := i == len(segments)-1
		switch s {
		case ".", "..":
			if s == ".." && len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
			if last {
				kept = append(kept, "")
			}
		default:
			kept = append(kept, s)
		}
	}
	return "/" + strings.Join(kept, "/")
}

// unescape decodes the escape that a text begins with.
func unescape(text string) (byte, bool) {
	if len(text) < 3 {
		return 0, false
	}
	high, ok := hexDigit(text[1])
	low, ok2 := hexDigit(text[2])
	return high<<4 | low, ok && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// isUnreserved reports whether a character means the same escaped and not.
func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
