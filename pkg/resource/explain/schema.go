// Package explain describes the fields of the kinds that the shop has, in kubectl's form, and says which do nothing here. The
// descriptions are Kubernetes' and Istio's own: tools/explain takes them from the OpenAPI documents of k8s.io/client-go, the Go types of
// k8s.io/api and the CustomResourceDefinitions of istio.io/api. They are unpacked only when they are asked for.
package explain

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
)

//go:embed schemas.json.gz
var packed []byte

// Document has the schemas of kinds.
type Document struct {
	// Kinds are the names of schemas, by the kind that they describe.
	Kinds map[string]string `json:"kinds"`
	// Schemas by names, such as "io.k8s.api.core.v1.Container".
	Schemas map[string]*Schema `json:"schemas"`
}

// Schema is what of an OpenAPI schema is needed to describe a field.
type Schema struct {
	Description string             `json:"d,omitempty"`
	Type        string             `json:"t,omitempty"`
	Ref         string             `json:"r,omitempty"`
	Properties  map[string]*Schema `json:"p,omitempty"`
	Items       *Schema            `json:"i,omitempty"`
	Values      *Schema            `json:"v,omitempty"` // additionalProperties
	AllOf       []*Schema          `json:"a,omitempty"`
	Required    []string           `json:"q,omitempty"`
	Enum        []any              `json:"e,omitempty"`
}

// Load unpacks the descriptions of all kinds.
func Load() (*Document, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack the descriptions of fields: %w", err)
	}
	d := &Document{}
	if err := json.NewDecoder(r).Decode(d); err != nil {
		return nil, fmt.Errorf("unpack the descriptions of fields: %w", err)
	}
	return d, nil
}

// resolved is the schema that s refers to, else s.
func (d *Document) resolved(s *Schema) *Schema {
	if to, ok := d.Schemas[s.Ref]; ok {
		return to
	}
	return s
}

// find follows a path of fields through lists and mappings; nil if there is no such field.
func (d *Document) find(s *Schema, path []string) *Schema {
	r := d.resolved(s)
	if len(path) == 0 {
		return s
	}
	if field, ok := r.Properties[path[0]]; ok {
		return d.find(field, path[1:])
	}
	for _, inner := range inside(r) {
		if found := d.find(inner, path); found != nil {
			return found
		}
	}
	return nil
}

// inside are the schemas of what a list or a mapping holds, and those that a schema consists of.
func inside(s *Schema) []*Schema {
	all := slices.Clone(s.AllOf)
	if s.Items != nil {
		all = append(all, s.Items)
	}
	if s.Values != nil {
		all = append(all, s.Values)
	}
	return all
}
