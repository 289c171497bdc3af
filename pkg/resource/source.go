package resource

import (
	"fmt"
	"strings"
)

// Source is where an object was written.
type Source struct {
	// File as it was named at apply.
	File string `json:"file"`
	// Lines of the fields by their paths, such as "spec.http[0].route[1]"; "" is the object itself.
	Lines map[string]int `json:"lines"`
}

// Source is where the object of a manifest was written; nil if that was in no file, or is not remembered for its kind.
func (m Manifest) Source() *Source {
	k, err := KindOf(m.Object)
	if err != nil || !k.Located || m.File == "" || len(m.Positions) == 0 {
		return nil
	}
	s := &Source{File: m.File, Lines: map[string]int{}}
	for path, at := range m.Positions {
		if path == "" || path == "spec" || strings.HasPrefix(path, "spec.") {
			s.Lines[path] = at.Line
		}
	}
	return s
}

// At is the "file:line" of the field with a path, or of the innermost field around it that was written; empty if there is
// no source.
func (s *Source) At(path string) string {
	if s == nil {
		return ""
	}
	for {
		if line, ok := s.Lines[path]; ok && line > 0 {
			return fmt.Sprintf("%s:%d", s.File, line)
		}
		if path == "" {
			return s.File
		}
		path = around(path)
	}
}

// around is the path of the field in which a field is.
func around(path string) string {
	return path[:max(strings.LastIndexByte(path, '.'), strings.LastIndexByte(path, '['), 0)]
}
