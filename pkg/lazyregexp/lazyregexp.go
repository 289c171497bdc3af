// Package lazyregexp compiles regular expressions at their first use. One binary plays every part of a
// shop, so an expression compiled at start-up would be paid for by each of its processes.
package lazyregexp

import (
	"regexp"
	"sync"
)

// New returns a function that compiles expr once. Like [regexp.MustCompile], it panics if expr is not valid.
func New(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
