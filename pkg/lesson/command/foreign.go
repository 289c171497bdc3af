package command

import (
	"fmt"
	"slices"
	"strings"
)

// foreignVerbs are the commands that a lesson by another author can run: those that look at the shop, call it, break it
// and change its objects. None of them starts a program or writes a file.
var foreignVerbs = [...]string{
	"alerts", "apply", "call", "delete", "describe", "diff", "events", "exit-codes", "fault", "get", "help", "http", "load", "logs",
	"mail", "map", "mesh", "metrics", "ps", "restart", "scale", "set", "start", "status", "stop", "top", "trace", "version",
}

// ForeignVerb reports whether a lesson by another author can run a command of the top level.
func ForeignVerb(verb string) bool { return slices.Contains(foreignVerbs[:], verb) }

// AllowedForeign returns nil for a line that a lesson by another author can run. It is an early answer: the command
// checks its own flags, and the daemon what it does.
func AllowedForeign(l Line) error {
	for _, args := range [][]string{l.Args, l.Into} {
		if args == nil {
			continue
		}
		if len(args) == 0 || !ForeignVerb(args[0]) {
			return fmt.Errorf("run shopctl %s: a lesson by another author cannot run this verb", strings.Join(args[:min(1, len(args))], ""))
		}
	}
	if l.Into != nil && slices.Contains([]string{"apply", "delete", "diff"}, l.Into[0]) && !printsObjects(l.Args) {
		return fmt.Errorf("run shopctl %s: in a lesson by another author, it reads only what get, or scale, set, restart, stop or start with --dry-run prints", l.Into[0])
	}
	return nil
}

// printsObjects reports whether a command prints objects of the shop, and nothing that came from elsewhere.
func printsObjects(args []string) bool {
	switch args[0] {
	case "get":
		return true
	case "scale", "set", "restart", "stop", "start":
		return slices.ContainsFunc(args, func(a string) bool { return a == "--dry-run" || strings.HasPrefix(a, "--dry-run=") })
	}
	return false
}
