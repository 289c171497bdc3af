package lesson

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/txtar"

	"github.com/shopctl/shopctl/pkg/lazyregexp"
	"github.com/shopctl/shopctl/pkg/lesson/format"
)

// UntrustedError is a lesson from elsewhere that contains something executable.
type UntrustedError struct{ Problems format.Problems }

func (e *UntrustedError) Error() string {
	return "a lesson that is not built in cannot contain commands:\n" + e.Problems.Error()
}

// refuseCommands returns an *UntrustedError if a lesson from elsewhere contains an object that names a program:
// applying it would start the program on the learner's machine, and lessons may apply. Images are safe: the learner's
// own shopctl.yaml maps them to programs.
func refuseCommands(l *Lesson) error {
	if l.Trusted {
		return nil
	}
	var found format.Problems
	for _, name := range sorted(l.Files) {
		found = append(found, commandsIn(path.Join(l.Dir(), name), l.Files[name])...)
	}
	for _, script := range l.ScriptNames("") {
		file := path.Join(l.Dir(), "testdata", script+".txtar")
		ar := txtar.Parse(l.Scripts[script])
		found = append(found, loaderIn(file, ar.Comment)...)
		for _, f := range ar.Files {
			found = append(found, commandsIn(file+"/"+f.Name, f.Data)...)
		}
	}
	for i := range l.Steps {
		if b := l.Steps[i].Block(format.RunKind); b != nil {
			found = append(found, loaderIn(l.File, []byte(b.Run.Text))...)
		}
	}
	if len(found) > 0 {
		return &UntrustedError{found}
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

var (
	// commandKey is a key that names a program, anywhere in the text: the learner may repair a file that
	// does not parse yet.
	commandKey = lazyregexp.New(`(?:^|[\s{,"'-])(?:command|exec|lifecycle)["']?\s*:`)
	// loaderKey matches variables that make a program load foreign code.
	loaderKey = lazyregexp.New(`\bLD_[A-Z_]+`)
)

// commandsIn finds keys that name a program in a file that could be applied.
func commandsIn(file string, content []byte) format.Problems {
	found := loaderIn(file, content)
	if !strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, ".proto") {
		for i, line := range bytes.Split(content, []byte("\n")) {
			if commandKey().Match(line) {
				found = append(found, untrusted(file, i+1, "it names a program that would run on your machine"))
			}
		}
	}
	if len(found) > 0 {
		return found
	}
	// A key can be written in ways that only a parser sees through.
	for dec := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var doc yaml.Node
		if err := dec.Decode(&doc); err != nil {
			return found // the end, or what apply would refuse as well
		}
		if line := commandNode(&doc); line > 0 {
			found = append(found, untrusted(file, line, "it names a program that would run on your machine"))
		}
	}
}

// commandNode is the line of a key that names a program, 0 if there is none.
func commandNode(n *yaml.Node) int {
	for i, c := range n.Content {
		key := n.Kind == yaml.MappingNode && i%2 == 0
		word := c.Value
		if c.Kind == yaml.AliasNode && c.Alias != nil {
			word = c.Alias.Value
		}
		if key && slices.Contains([]string{"command", "exec", "lifecycle"}, word) {
			return c.Line
		}
		if line := commandNode(c); line > 0 {
			return line
		}
	}
	return 0
}

func loaderIn(file string, content []byte) format.Problems {
	var found format.Problems
	for i, line := range bytes.Split(content, []byte("\n")) {
		if name := loaderKey().Find(line); name != nil {
			found = append(found, untrusted(file, i+1, fmt.Sprintf("%s makes programs load code", name)))
		}
	}
	return found
}

func untrusted(file string, line int, text string) format.Problem {
	return format.Problem{File: file, Line: line, Column: 1, Code: "untrusted", Text: text}
}
