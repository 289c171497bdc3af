package match_test

import (
	"testing"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/match"
)

func TestATemplateFitsWholeParts(t *testing.T) {
	for _, c := range []struct {
		template, path string
		want           bool
	}{
		{"/a/*/b", "/a/x/b", true},
		{"/a/*/b", "/a/x/y/b", false},
		{"/a/*/b", "/a//b", false},
		{"/a/*/b", "/a/x/b/", false},
		{"/a/**", "/a/x/y", true},
		{"/a/**", "/a/", true},
		{"/a/**", "/a", false},
		{"/**/b", "/x/y/b", true},
		{"/a/{name=*}/b", "/a/x/b", true},
		{"/a/{name}/b", "/a/x/b", true},
		{"/a/{rest=**}", "/a/x/y", true},
		{"/a/**.txt", "/a/x/y.txt", true},
		{"/a.b/c", "/axb/c", false},
		{"/a/*", "/a/%2f", true},
		{"/a/*", "/a/x y", false},
		{"/", "/", true},
	} {
		fits, err := match.Template(c.template)
		if err != nil {
			if c.want {
				t.Errorf("%s: %v", c.template, err)
			}
			continue
		}
		if got := fits(c.path); got != c.want {
			t.Errorf("%s fits %s: %t", c.template, c.path, got)
		}
	}
}

func TestATemplateThatMakesNoSenseIsAnError(t *testing.T) {
	for _, template := range []string{"", "a", "/**/*", "/**/{x=*}", "/a*", "/{=*}", "/{x", "/*a/b"} {
		if _, err := match.Template(template); err == nil {
			t.Errorf("%q is taken", template)
		}
	}
}

func TestAnExpressionFitsTheWholeText(t *testing.T) {
	for _, c := range []struct {
		expression, text string
		want             bool
	}{
		{"a|b", "a", true},
		{"a|b", "ab", false},
		{".*", "", true},
		{".*", "a\nb", false},
		{"a.*", "xa", false},
		{"(?i)a", "A", true},
	} {
		fits, err := match.Regex(c.expression)
		if err != nil || fits(c.text) != c.want {
			t.Errorf("%s fits %q: not %t, %v", c.expression, c.text, c.want, err)
		}
	}
	for _, bad := range []string{"(", "a)(b", "[", "*"} {
		if _, err := match.Regex(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
