package check

import (
	"strings"

	"github.com/shopctl/shopctl/pkg/lesson/format"
)

// suggest is the command that shows what a check finds: its own, or that of the probe.
func suggest(c *format.Check, a asker) string {
	if c.Look != "" || a == nil {
		return c.Look
	}
	return a.command()
}

// quoted is a word as a shell takes it.
func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
