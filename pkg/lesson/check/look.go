package check

import (
	"fmt"
	"path"
	"strings"

	"github.com/shopctl/shopctl/pkg/lesson/format"
)

// lookOf is the command that shows what a check sees.
func lookOf(c *format.Check, p format.Probe) string {
	switch {
	case c.Look != "":
		return c.Look
	case p.RPC != nil:
		return lookAtCall(p.RPC)
	case p.Instance != nil:
		return "shopctl ps"
	case p.Log != nil:
		return "shopctl logs " + p.Log.Service
	case p.PromQL != nil:
		return "shopctl metrics query " + quoted(p.PromQL.Expr)
	case p.Trace != nil:
		return lookAtTraces(p.Trace)
	case p.Edge != nil:
		return "shopctl map"
	case p.Alert != nil:
		return "shopctl alerts"
	case p.Resource != nil:
		return "shopctl get " + strings.ToLower(p.Resource.Kind) + " " + p.Resource.Name + " -o yaml"
	case p.Order != nil:
		return "shopctl logs payment"
	case p.Manifest != nil:
		return "shopctl diff -f " + p.Manifest.File
	case p.GoTest != nil:
		return "go test ./" + path.Join(p.GoTest.Dir, "...")
	}
	return ""
}

func lookAtCall(r *format.RPC) string {
	line := "shopctl call " + r.Service + " " + r.Method
	if r.Proto != "" {
		line += " --proto " + r.Proto
	}
	if len(r.Request) > 0 {
		line += fmt.Sprintf(" '%s'", r.Request)
	}
	if r.Deadline > 0 {
		line += " --deadline " + r.Deadline.String()
	}
	return line
}

func lookAtTraces(t *format.Trace) string {
	line := "shopctl trace list"
	if t.Service != "" {
		line += " --service " + t.Service
	}
	if t.Operation != "" {
		line += " --operation " + quoted(t.Operation)
	}
	return line
}

// quoted is a word as a shell takes it.
func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
