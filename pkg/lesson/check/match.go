package check

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/shopctl/shopctl/pkg/lesson/probe"
)

// matches reports whether a value, as decoded from JSON, meets the conditions of a match.
func matches(m probe.Match, v any) bool {
	text := textOf(v)
	switch {
	case m.Absent:
		return v == nil
	case m.Equals != nil && !same(*m.Equals, text),
		m.Contains != "" && !strings.Contains(text, m.Contains),
		m.Matches.Regexp != nil && !m.Matches.MatchString(text),
		m.Count != nil && countOf(v) != *m.Count:
		return false
	}
	if m.AtLeast == nil && m.AtMost == nil {
		return true
	}
	n, err := strconv.ParseFloat(text, 64)
	return err == nil && (m.AtLeast == nil || n >= *m.AtLeast) && (m.AtMost == nil || n <= *m.AtMost)
}

// same compares numbers by value, and everything else as text.
func same(want, got string) bool {
	if want == got {
		return true
	}
	a, errA := strconv.ParseFloat(want, 64)
	b, errB := strconv.ParseFloat(got, 64)
	return errA == nil && errB == nil && a == b
}

func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

func countOf(v any) int {
	switch v := v.(type) {
	case []any:
		return len(v)
	case map[string]any:
		return len(v)
	case nil:
		return 0
	}
	return 1
}

// words describes a match.
func words(m probe.Match) string {
	var parts []string
	if m.Equals != nil {
		parts = append(parts, *m.Equals)
	}
	if m.Contains != "" {
		parts = append(parts, fmt.Sprintf("contains %q", m.Contains))
	}
	if m.Matches.Regexp != nil {
		parts = append(parts, "matches "+m.Matches.String())
	}
	if m.Count != nil {
		parts = append(parts, fmt.Sprintf("has %d", *m.Count))
	}
	if m.AtLeast != nil {
		parts = append(parts, "at least "+strconv.FormatFloat(*m.AtLeast, 'f', -1, 64))
	}
	if m.AtMost != nil {
		parts = append(parts, "at most "+strconv.FormatFloat(*m.AtMost, 'f', -1, 64))
	}
	if m.Absent {
		parts = append(parts, "nothing")
	}
	return strings.Join(parts, " and ")
}
