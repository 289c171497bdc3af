package apiserver

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestAFieldIsSetWhereItsPathLeads(t *testing.T) {
	for _, tc := range []struct {
		path  string
		value any
		want  string
	}{
		{"a.b", 1, `{"a":{"b":1},"l":[{"n":"x"}]}`},
		{"l[0].n", "y", `{"l":[{"n":"y"}]}`},
		{"l[1]", "y", `{"l":[{"n":"x"},"y"]}`},
		{"m[a.b/c]", 1, `{"l":[{"n":"x"}],"m":{"a.b/c":1}}`},
		{"l", unset, `{}`},
		{"l[0].n", nil, `{"l":[{"n":null}]}`},
	} {
		keys, err := split(tc.path)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := with(map[string]any{"l": []any{map[string]any{"n": "x"}}}, keys, tc.value)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(tree); err != nil || string(got) != tc.want {
			t.Errorf("%s: got %s, want %s (%v)", tc.path, got, tc.want, err)
		}
	}
}

func TestLongRunsOfOneCharacterAreAbbreviated(t *testing.T) {
	for text, want := range map[string]string{
		"short": "short", "x" + strings.Repeat("a", 40) + "y": "x${a*40}y", strings.Repeat("a", 39): strings.Repeat("a", 39),
	} {
		if got := abbreviate(text); got != want || expand(got) != text {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestNoTwoCasesHaveOneName(t *testing.T) {
	groups, err := Load("testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	for group, cases := range groups {
		names := make([]string, len(cases))
		for i, c := range cases {
			names[i] = c.Name
		}
		slices.Sort(names)
		for i, name := range names {
			if i > 0 && name == names[i-1] {
				t.Errorf("%s: %q is there twice", group, name)
			}
		}
	}
}
