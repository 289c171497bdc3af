// Package admission implements the API server's checks of what all kinds have in common: metadata, labels, ports and
// pod templates. It fills in the defaults of a pod, collects problems as [Issues], and warns of fields that are valid
// but have no effect on one machine. Checks of a single kind are in that kind's file in package resource.
package admission

import "fmt"

// Issue is a problem or a warning about one field.
type Issue struct {
	// Path of the field: "spec.template.spec.containers[0].image".
	Path    string
	Message string
}

// Issues collects what is wrong.
type Issues []Issue

// Add adds one issue.
func (c *Issues) Add(path, format string, args ...any) {
	*c = append(*c, Issue{Path: path, Message: fmt.Sprintf(format, args...)})
}
