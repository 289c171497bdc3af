package format

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/lesson/command"
	"github.com/shopctl/shopctl/pkg/printable"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Problem is one mistake in a lesson.
type Problem struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	// Code is the kind of problem: "no-prediction".
	Code string `json:"code"`
	Text string `json:"text"`
}

func (p Problem) String() string {
	return printable.Line(fmt.Sprintf("%s:%d:%d: %s (%s)", p.File, p.Line, p.Column, p.Text, p.Code))
}

// Problems is an error that lists all mistakes.
type Problems []Problem

func (ps Problems) Error() string { return strings.Join(ps.Strings(), "\n") }

// Strings returns one line for each mistake.
func (ps Problems) Strings() []string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return lines
}

// reporter collects problems of one file.
type reporter struct {
	file     string
	problems Problems
}

func (r *reporter) add(code string, line, column int, format string, args ...any) {
	r.problems = append(r.problems, Problem{
		File: r.file, Line: max(line, 1), Column: max(column, 1), Code: code, Text: fmt.Sprintf(format, args...),
	})
}

// inFile reports an error at its place in the file, at line least if it has none.
func (r *reporter) inFile(least int, err error) {
	var inYAML *strictyaml.Error
	var inRun *command.Error
	switch {
	case errors.As(err, &inYAML):
		r.add("syntax", max(least, inYAML.Line), inYAML.Column, "%s", inYAML.Text)
	case errors.As(err, &inRun):
		r.add("command", max(least, inRun.Line), inRun.Column, "%s", inRun.Text)
	default:
		r.add("syntax", least, 1, "%s", err)
	}
}

func (r *reporter) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return r.problems
}
