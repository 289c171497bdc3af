package resource

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/printable"
)

// Problem is one thing wrong with a manifest, or worth a warning.
type Problem struct {
	// File is the name under which the manifest was given; empty if there was none.
	File string
	// Line and Column count from 1, columns in characters; 0 where unknown.
	Line, Column int
	// Object is the object's key as text: "deployment/cartservice"; empty where it has none yet.
	Object string
	// Path of the field: "spec.template.spec.containers[0].image"; empty for the whole object.
	Path string
	// Message for people.
	Message string
	// Group is that of the issue; see admission.Issue.
	Group string
	// Unsupported: nothing in the object is wrong, but its kind is not supported.
	Unsupported bool
}

// String is "file:line:column: path: message"; without a file, it begins with the object. It is one line: keys and values of
// a manifest may hold line feeds and control characters.
func (p Problem) String() string {
	var b strings.Builder
	switch {
	case p.File != "" && p.Line > 0:
		fmt.Fprintf(&b, "%s:%d:%d: ", p.File, p.Line, p.Column)
	case p.File != "":
		b.WriteString(p.File + ": ")
	case p.Object != "":
		b.WriteString(p.Object + ": ")
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	return printable.Line(b.String())
}

// Problems are all things wrong with what was given. As an error it has one line for each.
type Problems []Problem

func (p Problems) Error() string { return strings.Join(p.Strings(), "\n") }

// Strings returns one line for each problem.
func (p Problems) Strings() []string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return lines
}

// Err returns the problems as an error, sorted and each once; nil if there are none.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p.Sorted()
}

// Hint is what to do about the problems of files.
func (p Problems) Hint() string {
	unsupported := 0
	for i := range p {
		if p[i].Unsupported {
			unsupported++
		}
	}
	switch unsupported {
	case 0:
		return "correct the lines named above; nothing was changed"
	case len(p):
		return "take these objects out of the file; shopctl apply --help lists the supported kinds; nothing was changed"
	}
	return "correct the lines named above, and take the objects of unsupported kinds out; nothing was changed"
}

// Sorted returns the problems by file, line and column, each once. Files keep the order in which they come.
func (p Problems) Sorted() Problems {
	rank := map[string]int{}
	for i := range p {
		if _, ok := rank[p[i].File]; !ok {
			rank[p[i].File] = len(rank)
		}
	}
	sorted := slices.Clone(p)
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(rank[a.File], rank[b.File]), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(sorted)
}

// Grouped returns the first problem of each group, with how many more there are, and all that are in no group.
func (p Problems) Grouped() Problems {
	count := map[string]int{}
	for i := range p {
		count[p[i].Group]++
	}
	var grouped Problems
	for _, problem := range p {
		n, found := count[problem.Group]
		if problem.Group == "" {
			grouped = append(grouped, problem)
			continue
		}
		if !found {
			continue
		}
		delete(count, problem.Group)
		if n > 1 {
			problem.Message += fmt.Sprintf(" (and in %s)", humanize.Count(n-1, "more place"))
		}
		grouped = append(grouped, problem)
	}
	return grouped
}
