// Package admission implements the API server's checks of what all kinds have in common: metadata, labels, ports and
// pod templates. It fills in the defaults of a pod, collects problems as [Issues], and warns of fields that are valid
// but have no effect on one machine. Checks of a single kind are in that kind's file in package resource.
//
// The checks are held against a real API server: see testdata/apiserver, and tools/apiserver, which records it.
package admission

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/shopctl/shopctl/pkg/suggest"
)

// Issue is a problem or a warning about one field.
type Issue struct {
	// Path of the field: "spec.template.spec.containers[0].image".
	Path    string
	Message string
	// Group is the same for warnings that say the same of the same field of different objects or list elements. Of
	// those, people are shown the first. Empty: the warning is in no group.
	Group string
}

// Issues collects what is wrong.
type Issues []Issue

// Add adds one issue.
func (c *Issues) Add(path, format string, args ...any) {
	*c = append(*c, Issue{Path: path, Message: fmt.Sprintf(format, args...)})
}

// Item is the path of an element of a list.
func Item(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// Entry is the path of an entry of a mapping. A key that could be mistaken for something else is quoted.
func Entry(path, key string) string { return path + "[" + Quoted(key) + "]" }

// Quoted is a key for use in a path: as it is, or quoted if it is empty or has characters that are seldom in keys.
func Quoted(key string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-/$", r)
	}
	if key != "" && !strings.ContainsFunc(key, func(r rune) bool { return !plain(r) }) {
		return key
	}
	return strconv.Quote(key)
}

// Required adds an issue if a value is empty, and reports whether it is.
func (c *Issues) Required(path, value string) bool {
	if value == "" {
		c.Add(path, "is missing")
	}
	return value == ""
}

// OneOf adds an issue if a value is not one of some words.
func OneOf[T ~string](c *Issues, path string, value T, words ...T) {
	if slices.Contains(words, value) {
		return
	}
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = string(w)
	}
	c.Add(path, "%q is not one of %s%s", value, strings.Join(list, ", "), suggest.Phrase(string(value), list))
}

// Between adds an issue if a number is outside a range.
func (c *Issues) Between(path string, value, least, most int64) {
	if value < least || value > most {
		c.Add(path, "%d is not possible; it must be between %d and %d", value, least, most)
	}
}
