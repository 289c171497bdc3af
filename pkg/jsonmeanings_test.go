package pkg_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// meanings are what fields of JSON mean, from testdata/json_meanings.txt; used are those that were asked for, lacking the fields
// that have none.
type meanings struct {
	text          map[string]string
	used, lacking map[string]bool
}

func readMeanings(t *testing.T) meanings {
	t.Helper()
	content, err := os.ReadFile("testdata/json_meanings.txt")
	if err != nil {
		t.Fatal(err)
	}
	m := meanings{text: map[string]string{}, used: map[string]bool{}, lacking: map[string]bool{}}
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, meaning, ok := strings.Cut(line, ": ")
		if !ok || m.text[key] != "" {
			t.Errorf("json_meanings.txt: want one line KEY: MEANING for each key, got %q", line)
		}
		m.text[key] = meaning
	}
	return m
}

// of is the meaning of a field: that of its key in its type ("topView.time"), or its comment, or that of its key anywhere.
func (m meanings) of(typ, key, comment string) string {
	_, name, ok := strings.Cut(typ, ".")
	if !ok {
		name = typ
	}
	keys := []string{typ + "." + key, name + "." + key, key}
	if comment = strings.Join(strings.Fields(comment), " "); comment != "" {
		keys = keys[:2] // for people who read the code, it may be about several fields
	}
	for _, k := range keys {
		if meaning := m.text[k]; meaning != "" {
			m.used[k] = true
			return meaning
		}
	}
	if comment == "" {
		m.lacking[typ+"."+key] = true
	}
	return strings.TrimSuffix(comment, ".")
}

// complete fails for fields without a meaning, and for meanings without a field.
func (m meanings) complete(t *testing.T) {
	t.Helper()
	for _, field := range slices.Sorted(maps.Keys(m.lacking)) {
		t.Errorf("say in a comment, or in json_meanings.txt, what the field %s means", field)
	}
	for _, key := range slices.Sorted(maps.Keys(m.text)) {
		if !m.used[key] {
			t.Errorf("json_meanings.txt: no field %s needs a meaning: drop the line", key)
		}
	}
}
