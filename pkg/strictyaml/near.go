package strictyaml

import (
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/suggest"
)

// DidYouMean returns `; did you mean "x"?` for the nearest of the names, or the names themselves
// when none is near and they are few.
func DidYouMean(given string, names []string) string {
	if best := suggest.Match(given, names); best != "" {
		return `; did you mean "` + best + `"?`
	}
	if len(names) > 0 && len(names) <= 16 {
		return "; want " + Or(names)
	}
	return ""
}

// Or lists names for people: "a, b or c".
func Or(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	names = slices.Clone(names)
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
