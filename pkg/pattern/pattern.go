// Package pattern makes regular expressions that are compiled when they are first used. One binary plays
// all parts of a shop, and what is compiled at start-up is compiled in each of its processes, whether or not
// it ever matches anything there.
package pattern

import (
	"regexp"
	"sync"
)

// Lazy returns a function that compiles expr once, and panics if it is none, as regexp.MustCompile does.
func Lazy(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
