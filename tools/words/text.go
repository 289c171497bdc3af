package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
)

// goTexts returns the comments, identifiers and, outside tests, string literals of a Go file; none of a generated one.
func goTexts(name string, content []byte) ([]text, error) {
	if bytes.HasPrefix(content, []byte("// Code generated ")) {
		return nil, nil
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, content, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var texts []text
	add := func(k kind, at token.Pos, body string) {
		texts = append(texts, text{k, fset.Position(at).Line, body})
	}
	for _, group := range file.Comments {
		start, end := fset.Position(group.Pos()).Offset, fset.Position(group.End()).Offset
		add(inGo, group.Pos(), withoutMarks(string(content[start:end]), "//", "/*"))
	}
	names := map[string]bool{}
	var visit func(n ast.Node) bool
	visit = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.SelectorExpr: // what is selected has its name from where it is declared
			ast.Inspect(n.X, visit)
			return false
		case *ast.Ident:
			if !names[n.Name] {
				names[n.Name] = true
				add(inName, n.Pos(), n.Name)
			}
		case *ast.BasicLit:
			if n.Kind == token.STRING && !strings.HasSuffix(name, "_test.go") {
				add(inGo, n.Pos(), literal(n.Value))
			}
		}
		return true
	}
	ast.Inspect(file, visit)
	return texts, nil
}

// literal is the value of a string literal; a raw one keeps its lines.
func literal(source string) string {
	if s, err := strconv.Unquote(source); err == nil && strings.HasPrefix(source, `"`) {
		return strings.ReplaceAll(s, "\n", " ") // keeps the count of the source's lines
	}
	return source
}

// withoutMarks blanks the marks of comments at the beginning of lines, so that a sentence runs on across them.
func withoutMarks(body string, marks ...string) string {
	lines := strings.Split(body, "\n")
	for i, line := range lines {
		trimmed := strings.TrimSpace(line)
		for _, mark := range marks {
			trimmed = strings.TrimPrefix(trimmed, mark)
		}
		lines[i] = trimmed
	}
	return strings.Join(lines, "\n")
}

// comments are the lines of a script that begin with "#"; the others are blank.
func comments(script string) string {
	lines := strings.Split(script, "\n")
	for i, line := range lines {
		text, found := strings.CutPrefix(line, "#")
		if !found {
			text = ""
		}
		lines[i] = text
	}
	return strings.Join(lines, "\n")
}

// prose is a Markdown document without its blocks of code and what is in back quotes; the lines stay.
func prose(document string) string {
	code := regexp.MustCompile("`[^`\n]*`")
	lines := strings.Split(document, "\n")
	fenced := false
	for i, line := range lines {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		if fence || fenced {
			lines[i] = ""
		} else {
			lines[i] = code.ReplaceAllString(line, "``")
		}
		if fence {
			fenced = !fenced
		}
	}
	return strings.Join(lines, "\n")
}
