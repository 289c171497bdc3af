package main

import (
	"reflect"
	"strings"
)

// refresh adds the fields of a Go type that the documents do not have yet, and takes all descriptions from the type, which is
// the one that manifests are read with: client-go's documents may be of an earlier version.
func (b *builder) refresh(t reflect.Type, done map[reflect.Type]bool) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || !strings.HasPrefix(t.PkgPath(), "k8s.io/") || done[t] {
		return
	}
	done[t] = true
	texts := map[string]string{}
	if d, ok := reflect.New(t).Interface().(interface{ SwaggerDoc() map[string]string }); ok {
		texts = d.SwaggerDoc()
	}
	if len(texts) == 0 {
		return // a scalar in JSON, such as a Quantity
	}
	s := b.from[refOf(t)]
	if s == nil {
		s = &openAPI{Type: "object", Description: texts[""]}
		b.from[refOf(t)] = s
	}
	if s.Properties == nil {
		s.Properties = map[string]*openAPI{}
	}
	for i := range t.NumField() {
		f := t.Field(i)
		b.refresh(f.Type, done)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue // inlined
		}
		if s.Properties[name] == nil {
			s.Properties[name] = typed(f.Type)
		}
		if texts[name] != "" {
			s.Properties[name].Description = texts[name]
		}
	}
}

// refOf is the name that Kubernetes' documents have for a Go type: "io.k8s.api.core.v1.Pod".
func refOf(t reflect.Type) string {
	return "io.k8s." + strings.ReplaceAll(strings.TrimPrefix(t.PkgPath(), "k8s.io/"), "/", ".") + "." + t.Name()
}

// typed is the schema of a field by its Go type.
func typed(t reflect.Type) *openAPI {
	switch t.Kind() {
	case reflect.Pointer:
		return typed(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return &openAPI{Type: "string"}
		}
		return &openAPI{Type: "array", Items: typed(t.Elem())}
	case reflect.Map:
		return &openAPI{Type: "object", values: typed(t.Elem())}
	case reflect.Struct:
		return &openAPI{AllOf: []*openAPI{{Ref: refOf(t)}}}
	case reflect.Bool:
		return &openAPI{Type: "boolean"}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return &openAPI{Type: "integer"}
	}
	return &openAPI{Type: "string"}
}
