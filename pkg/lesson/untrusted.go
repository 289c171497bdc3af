package lesson

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/shopctl/shopctl/pkg/foreign"
	"github.com/shopctl/shopctl/pkg/lesson/command"
	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
)

// UntrustedError is a lesson by another author that contains what such a lesson may not do.
type UntrustedError struct{ Problems format.Problems }

func (e *UntrustedError) Error() string {
	return "a lesson by another author cannot contain this:\n" + e.Problems.Error()
}

// refuseForeign returns an *UntrustedError if a lesson by another author contains a command or an object that would be
// refused. It is an early answer with a place: the daemon refuses what these texts hide.
func refuseForeign(l *Lesson, builtin func(image string) bool) error {
	if l.Trusted {
		return nil
	}
	if builtin == nil {
		builtin = func(string) bool { return true }
	}
	s := scan{limits: foreign.Limits{Builtin: builtin}}
	for _, name := range sorted(l.Files) {
		s.file(path.Join(l.Dir(), name), l.Files[name])
	}
	for _, name := range l.ScriptNames("") {
		s.script(path.Join(l.Dir(), "testdata", name+".txtar"), l.Scripts[name])
	}
	for i := range l.Steps {
		if b := l.Steps[i].Block(format.RunKind); b != nil {
			for _, line := range b.Run.Lines {
				s.line(l.File, line)
			}
		}
	}
	if len(s.found) > 0 {
		return &UntrustedError{s.found}
	}
	return nil
}

func sorted(files map[string][]byte) []string {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// scan collects what is refused.
type scan struct {
	limits foreign.Limits
	found  format.Problems
}

func (s *scan) add(file string, line, column int, text string) {
	s.found = append(s.found, format.Problem{File: file, Line: max(line, 1), Column: max(column, 1), Code: "untrusted", Text: text})
}

// file reads a file as apply would. A manifest that cannot be read cannot be checked either.
func (s *scan) file(name string, content []byte) {
	manifests, err := decode.Decode(name, content)
	var problems resource.Problems
	switch {
	case err == nil:
		problems = s.limits.CheckManifests(manifests)
	case !isManifest(name) || len(bytes.TrimSpace(content)) == 0:
		return
	case !errors.As(err, &problems):
		s.add(name, 1, 1, err.Error())
	}
	for _, p := range problems {
		text := p.Message
		if p.Path != "" {
			text = p.Path + ": " + text
		}
		s.add(name, p.Line, p.Column, text)
	}
}

// isManifest reports whether apply takes a file from a directory.
func isManifest(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(path.Ext(name)))
}

func (s *scan) script(file string, archive []byte) {
	sc, err := ParseScript(path.Base(file), archive)
	var at *ScriptError
	switch {
	case errors.As(err, &at):
		s.add(file, at.Line, 1, at.Err.Error())
		return
	case err != nil:
		s.add(file, 1, 1, err.Error())
		return
	}
	for _, a := range sc.Actions {
		if a.Verb == "shopctl" {
			s.line(file, command.Line{Args: a.Args, Number: a.Line})
		}
	}
	for _, f := range txtar.Parse(archive).Files {
		s.file(file+"/"+f.Name, f.Data)
	}
}

func (s *scan) line(file string, l command.Line) {
	if err := command.AllowedForeign(l); err != nil {
		s.add(file, l.Number, 1, err.Error())
		return
	}
	if len(l.Args) < 2 || l.Args[0] != "set" {
		return
	}
	for _, word := range l.Args[2:] {
		if name, _, ok := strings.Cut(word, "="); ok && !strings.HasPrefix(name, "-") && !foreign.Settable(name) {
			s.add(file, l.Number, 1, fmt.Sprintf("variable %s: a lesson by another author sets only variables that built-in services document", name))
		}
	}
}
