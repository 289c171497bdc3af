package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// kind is the kind of source that a text is part of.
type kind string

const (
	inGo      kind = "go"      // comments, and string literals outside tests
	inName    kind = "name"    // identifiers of Go
	inDocs    kind = "docs"    // Markdown, and comments of shell and make files
	inLessons kind = "lessons" // Markdown below lessons/, its blocks included
	inYAML    kind = "yaml"    // manifests, rules, protocol buffers
)

// text is a piece of a file that is searched as one.
type text struct {
	kind kind
	line int // of its beginning
	body string
}

type finding struct {
	path           string
	line           int
	refused, found string
	use            string
}

// run searches the files of root that args name: files, directories, or directories with "/..." at the end; the
// whole tree without any.
func run(root fs.FS, args []string) ([]finding, error) {
	l, err := readList(listFile)
	if err != nil {
		return nil, err
	}
	if len(args) == 0 {
		args = []string{"."}
	}
	rules := l.rules()
	var findings []finding
	for _, arg := range args {
		start := path.Clean(strings.TrimSuffix(arg, "..."))
		err := fs.WalkDir(root, start, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && skipped(name):
				return fs.SkipDir
			case d.IsDir() || !searched(name):
				return nil
			}
			content, err := fs.ReadFile(root, name)
			if err != nil {
				return err
			}
			found, err := search(l, rules, name, content)
			findings = append(findings, found...)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("search %s: %w", arg, err)
		}
	}
	slices.SortFunc(findings, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.path, b.path), a.line-b.line, cmp.Compare(a.refused, b.refused))
	})
	return slices.Compact(findings), nil
}

// skipped reports whether a directory holds nothing that is written here: what generators write is checked where it
// comes from, and golden files where they are printed.
func skipped(dir string) bool {
	switch dir {
	case ".git", "bin", "docs/cli", "docs/man":
		return true
	}
	return path.Base(dir) == "testdata" && dir != "testdata"
}

func searched(name string) bool {
	switch path.Ext(name) {
	case ".go", ".md", ".yaml", ".yml", ".proto", ".sh", ".txtar":
		return name != "docs/keys.md"
	}
	return path.Base(name) == "Makefile" || name == ".ci/run" || name == "tools/lint/vulncheck"
}

func search(l list, rules []rule, name string, content []byte) ([]finding, error) {
	if l.exempts(name, "") {
		return nil, nil
	}
	texts, err := textsOf(name, content)
	if err != nil {
		return nil, err
	}
	var findings []finding
	for _, t := range texts {
		for _, r := range rules {
			if len(r.in) > 0 && !slices.Contains(r.in, t.kind) || t.kind == inName && !r.identifiers || l.exempts(name, r.refused) {
				continue
			}
			for _, at := range r.find(t.body) {
				line := t.line + strings.Count(t.body[:at[0]], "\n")
				findings = append(findings, finding{name, line, r.refused, strings.Join(strings.Fields(t.body[at[0]:at[1]]), " "), r.use})
			}
		}
	}
	return findings, nil
}

func textsOf(name string, content []byte) ([]text, error) {
	switch path.Ext(name) {
	case ".go":
		return goTexts(name, content)
	case ".md":
		if strings.HasPrefix(name, "lessons/") {
			return []text{{inLessons, 1, string(content)}}, nil
		}
		return []text{{inDocs, 1, prose(string(content))}}, nil
	case ".yaml", ".yml", ".proto":
		return []text{{inYAML, 1, withoutMarks(string(content), "#", "//")}}, nil
	case ".txtar":
		return []text{{inDocs, 1, comments(string(content))}}, nil
	default:
		return []text{{inDocs, 1, withoutMarks(string(content), "#")}}, nil
	}
}
