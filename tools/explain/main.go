// Command explain writes the descriptions of the fields of all kinds for "shopctl explain": those of Kubernetes' kinds from the
// OpenAPI documents that k8s.io/client-go has for its tests and from the Go types of k8s.io/api, those of Istio's from the CustomResourceDefinitions of istio.io/api,
// and those of PrometheusRule from the Go types. It is run in the root of the repository: make explain.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/explain"
)

const output = "pkg/resource/explain/schemas.json.gz"

func main() {
	data, err := generate()
	if err == nil {
		err = os.WriteFile(output, data, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "explain:", err)
		os.Exit(1)
	}
}

// generate returns the content of the file.
func generate() ([]byte, error) {
	text, err := document()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

// document is the JSON of all kinds.
func document() ([]byte, error) {
	b := &builder{from: map[string]*openAPI{}, doc: explain.Document{Kinds: map[string]string{}, Schemas: map[string]*explain.Schema{}}}
	for _, load := range []func() error{b.loadKubernetes, b.loadIstio, b.loadRules} {
		if err := load(); err != nil {
			return nil, err
		}
	}
	names := map[string]string{"Pod": "v1"}
	done := map[reflect.Type]bool{}
	for _, k := range resource.Kinds() {
		names[k.Name] = k.APIVersion
		b.refresh(reflect.TypeOf(k.New()), done)
	}
	for kind, version := range names {
		name := b.nameOf(kind, version)
		if b.from[name] == nil {
			return nil, fmt.Errorf("no schema of %s %s was found", version, kind)
		}
		b.doc.Kinds[kind] = name
		b.take(name)
	}
	return json.Marshal(b.doc)
}

// openAPI is what is read of a schema.
type openAPI struct {
	Description string              `json:"description"`
	Type        string              `json:"type"`
	Ref         string              `json:"$ref"`
	Properties  map[string]*openAPI `json:"properties"`
	Items       *openAPI            `json:"items"`
	Values      json.RawMessage     `json:"additionalProperties"`
	AllOf       []*openAPI          `json:"allOf"`
	Required    []string            `json:"required"`
	Enum        []any               `json:"enum"`
	// values is what Values says, of a schema that is made from a Go type.
	values *openAPI
}

type builder struct {
	from map[string]*openAPI
	doc  explain.Document
}

// nameOf is the name of the schema of a kind.
func (b *builder) nameOf(kind, version string) string {
	group, v, ok := strings.Cut(version, "/")
	if !ok {
		group, v = "core", version
	}
	if strings.Contains(group, ".") {
		return group + "." + v + "." + kind
	}
	return "io.k8s.api." + group + "." + v + "." + kind
}

// take copies a schema, and those that it refers to, into the document.
func (b *builder) take(name string) {
	if b.doc.Schemas[name] != nil || b.from[name] == nil {
		return
	}
	b.doc.Schemas[name] = &explain.Schema{}
	*b.doc.Schemas[name] = *b.schema(b.from[name])
}

func (b *builder) schema(s *openAPI) *explain.Schema {
	if s == nil {
		return nil
	}
	out := &explain.Schema{Description: s.Description, Type: s.Type, Ref: strings.TrimPrefix(s.Ref, "#/components/schemas/"), Required: s.Required, Enum: s.Enum, Items: b.schema(s.Items)}
	b.take(out.Ref)
	values := s.values
	if values != nil {
		out.Values = b.schema(values)
	} else if json.Unmarshal(s.Values, &values) == nil { // else true or false
		out.Values = b.schema(values)
	}
	for _, part := range s.AllOf {
		out.AllOf = append(out.AllOf, b.schema(part))
	}
	for name, field := range s.Properties {
		if out.Properties == nil {
			out.Properties = map[string]*explain.Schema{}
		}
		out.Properties[name] = b.schema(field)
	}
	return out
}

// loadKubernetes reads the documents of an API server.
func (b *builder) loadKubernetes() error {
	dir, err := moduleDir("k8s.io/client-go")
	if err != nil {
		return err
	}
	for _, file := range []string{"api__v1_openapi.json", "apis__apps__v1_openapi.json"} {
		content, err := os.ReadFile(filepath.Join(dir, "openapi/openapitest/testdata", file))
		if err != nil {
			return err
		}
		var d struct {
			Components struct {
				Schemas map[string]*openAPI `json:"schemas"`
			} `json:"components"`
		}
		if err := json.Unmarshal(content, &d); err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		for name, s := range d.Components.Schemas {
			b.from[name] = s
		}
	}
	return nil
}

// loadIstio reads the definitions of Istio's kinds.
func (b *builder) loadIstio() error {
	dir, err := moduleDir("istio.io/api")
	if err != nil {
		return err
	}
	content, err := os.ReadFile(filepath.Join(dir, "kubernetes/customresourcedefinitions.gen.yaml"))
	if err != nil {
		return err
	}
	for part := range strings.SplitSeq(string(content), "\n---\n") {
		var d struct {
			Spec struct {
				Group string `json:"group"`
				Names struct {
					Kind string `json:"kind"`
				} `json:"names"`
				Versions []struct {
					Name   string `json:"name"`
					Schema struct {
						OpenAPI *openAPI `json:"openAPIV3Schema"`
					} `json:"schema"`
				} `json:"versions"`
			} `json:"spec"`
		}
		if err := yaml.Unmarshal([]byte(part), &d); err != nil {
			return fmt.Errorf("read the definitions of Istio: %w", err)
		}
		for _, v := range d.Spec.Versions {
			b.custom(d.Spec.Group+"."+v.Name+"."+d.Spec.Names.Kind, v.Schema.OpenAPI)
		}
	}
	return nil
}

// custom adds a kind of a CustomResourceDefinition, with the fields that an API server adds to all.
func (b *builder) custom(name string, s *openAPI) {
	config := b.from["io.k8s.api.core.v1.ConfigMap"]
	for _, field := range []string{"apiVersion", "kind"} {
		s.Properties[field] = config.Properties[field]
	}
	s.Properties["metadata"] = config.Properties["metadata"]
	b.from[name] = s
}

// moduleDir is where the source of a module is.
func moduleDir(module string) (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return "", fmt.Errorf("find the module %s: %w", module, err)
	}
	return strings.TrimSpace(string(out)), nil
}
