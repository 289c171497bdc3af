package resource

import (
	"maps"

	"github.com/shopctl/shopctl/pkg/resource/admission"
)

// Manifest is an object as it was written, before defaults, with the positions of its fields.
type Manifest struct {
	Object Object
	// File that it came from; empty if it was made by a program.
	File string
	// Written are exactly the fields that were written, as a JSON tree. What is not in it keeps its value on apply.
	Written map[string]any
	// Positions of fields by their paths; "" is the object itself. May be nil.
	Positions map[string]Position
}

// Position is a place in a file; both count from 1, columns in characters.
type Position struct{ Line, Column int }

// NewManifest returns a manifest for an object that was made by a program.
func NewManifest(o Object) (Manifest, error) {
	k, err := KindOf(o)
	if err != nil {
		return Manifest{}, err
	}
	o = Clone(o)
	setType(o, k)
	tree, err := ToTree(o)
	if err != nil {
		return Manifest{}, err
	}
	delete(tree, "status")
	return Manifest{Object: o, Written: tree}, nil
}

// At returns the position of the field with a path, or of the innermost field around it that was written.
func (m Manifest) At(path string) Position {
	for {
		if p, ok := m.Positions[path]; ok || path == "" {
			return p
		}
		path = around(path)
	}
}

// Problem returns an issue of this manifest with its position.
func (m Manifest) Problem(issue admission.Issue) Problem {
	at := m.At(issue.Path)
	return Problem{File: m.File, Line: at.Line, Column: at.Column, Object: KeyOf(m.Object).String(), Path: issue.Path, Message: issue.Message, Group: issue.Group}
}

// Problems returns issues of this manifest with their positions.
func (m Manifest) Problems(issues []admission.Issue) Problems {
	var p Problems
	for _, issue := range issues {
		p = append(p, m.Problem(issue))
	}
	return p
}

// InNamespace returns the manifest with the namespace filled in where it has none and needs one.
func (m Manifest) InNamespace(namespace string) (Manifest, Kind, error) {
	k, err := KindOf(m.Object)
	if err != nil {
		return m, k, err
	}
	m.Object = Clone(m.Object)
	setType(m.Object, k)
	if k.Namespaced && m.Object.GetNamespace() == "" {
		m.Object.SetNamespace(namespace)
		m.Written = maps.Clone(m.Written)
		meta, _ := m.Written["metadata"].(map[string]any)
		meta = maps.Clone(meta)
		if meta == nil {
			meta = map[string]any{}
		}
		meta["namespace"] = namespace
		m.Written["metadata"] = meta
	}
	return m, k, nil
}
