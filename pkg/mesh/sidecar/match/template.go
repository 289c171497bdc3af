package match

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// segment is what * means in a template: the characters of one part of a path.
const segment = `[a-zA-Z0-9\-._~%!$&'()+,;:@=]+`

// Template is a template of paths: * is one part of it, ** any number of parts, and both may have a name: "{name=*}".
func Template(template string) (String, error) {
	if !strings.HasPrefix(template, "/") {
		return nil, fmt.Errorf("path template %q: it has to begin with a slash", template)
	}
	var expression strings.Builder
	expression.WriteString("^")
	seen := false // ** was
	for part := range strings.SplitSeq(template[1:], "/") {
		expression.WriteString("/")
		if seen && strings.Contains(part, "*") {
			return nil, fmt.Errorf("path template %q: no wildcard can follow **", template)
		}
		name, wild, ok := braces(part)
		switch {
		case ok && name == "":
			return nil, fmt.Errorf("path template %q: a variable has no name", template)
		case ok:
			part = wild
		}
		switch part {
		case "*":
			expression.WriteString(segment)
		case "**":
			seen = true
			expression.WriteString(strings.Replace(segment, `=]+`, `=/]*`, 1))
		default:
			if err := literal(&expression, part); err != nil {
				return nil, fmt.Errorf("path template %q: %w", template, err)
			}
		}
	}
	whole, err := regexp.Compile(expression.String() + "$")
	if err != nil {
		return nil, fmt.Errorf("path template %q: %w", template, err)
	}
	return whole.MatchString, nil
}

// braces takes a part such as {name=*} or {name}, which is any one part, apart.
func braces(part string) (name, wild string, ok bool) {
	inner, ok := strings.CutPrefix(part, "{")
	if !ok || !strings.HasSuffix(inner, "}") {
		return "", "", false
	}
	name, wild, found := strings.Cut(strings.TrimSuffix(inner, "}"), "=")
	if !found {
		wild = "*"
	}
	return name, wild, true
}

// literal writes a part that means itself. ** may be followed by an ending: "**.txt".
func literal(expression *strings.Builder, part string) error {
	if rest, ok := strings.CutPrefix(part, "**"); ok && !strings.ContainsAny(rest, "*{}") {
		expression.WriteString(strings.Replace(segment, `=]+`, `=/]*`, 1) + regexp.QuoteMeta(rest))
		return nil
	}
	if strings.ContainsAny(part, "*{}") {
		return errors.New("a wildcard has to be a whole part of the path")
	}
	expression.WriteString(regexp.QuoteMeta(part))
	return nil
}
