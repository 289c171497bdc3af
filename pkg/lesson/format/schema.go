package format

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/lesson/probe"
	"github.com/shopctl/shopctl/pkg/rpc/code"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// SchemaRoles are the roles with a schema: the front matter and the blocks that are written in YAML.
func SchemaRoles() []string {
	names := []string{"front"}
	for _, r := range roleLanguages {
		if r.language == "yaml" {
			names = append(names, string(r.role))
		}
	}
	return names
}

// Schema returns the JSON Schema (2020-12) of a role, for editors. It is made from the types that the parser
// fills, so that the two cannot differ. An empty role returns all of them as definitions.
func Schema(role string) (map[string]any, error) {
	g := &schemas{defs: map[string]any{}}
	tops := map[string]reflect.Type{
		"front": reflect.TypeFor[Front](), string(PredictKind): reflect.TypeFor[Predict](), string(ObserveKind): reflect.TypeFor[Observe](),
		string(CheckKind): reflect.TypeFor[[]Check](), string(HintsKind): reflect.TypeFor[Hints](), string(RecallKind): reflect.TypeFor[[]Question](),
	}
	out := map[string]any{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "shopctl lesson"}
	if role == "" {
		for _, name := range SchemaRoles() {
			g.defs[name] = g.of(tops[name])
		}
	} else {
		t, ok := tops[role]
		if !ok {
			return nil, fmt.Errorf("unknown role %q%s", role, strictyaml.DidYouMean(role, SchemaRoles()))
		}
		out["title"] = "shopctl lesson: " + role
		for key, value := range g.of(t) {
			out[key] = value
		}
	}
	if len(g.defs) > 0 {
		out["$defs"] = g.defs
	}
	return out, nil
}

// schemas collects the definitions of all structs.
type schemas struct{ defs map[string]any }

// object is one schema.
type object = map[string]any

func (g *schemas) of(t reflect.Type) object {
	if special := g.special(t); special != nil {
		return special
	}
	switch t.Kind() {
	case reflect.Pointer:
		return g.of(t.Elem())
	case reflect.Slice:
		return object{"type": "array", "items": g.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": g.of(t.Elem())}
	case reflect.Struct:
		return g.named(t)
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer"}
	}
	if values := valuesOf(t); values != nil {
		return object{"enum": values}
	}
	return object{"type": []any{"string", "number", "boolean"}} // a scalar is text wherever text is wanted
}

// special describes the types that decode themselves.
func (g *schemas) special(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return object{"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$|^0$`}
	case reflect.TypeFor[probe.JSON]():
		return object{"type": []any{"object", "array", "string"}}
	case reflect.TypeFor[probe.Strings]():
		return object{"anyOf": []any{object{"type": []any{"string", "number", "boolean"}}, object{"type": "array", "items": object{"type": []any{"string", "number", "boolean"}}}}}
	case reflect.TypeFor[probe.Pattern]():
		return object{"type": []any{"string", "number", "boolean"}, "format": "regex"}
	case reflect.TypeFor[probe.Code]():
		return object{"enum": anyOf(code.Names())}
	case reflect.TypeFor[Need]():
		long := object{"type": "object", "additionalProperties": false, "properties": object{"check": object{"type": "string"}, "observed": object{"type": []any{"string", "number", "boolean"}}}}
		return object{"anyOf": []any{object{"type": "string"}, long}}
	case reflect.TypeFor[probe.Bound]():
		return object{"anyOf": []any{object{"type": "number"}, g.of(reflect.TypeFor[probe.BoundFields]())}}
	}
	return nil
}

// enumerated is a type of text with few values.
type enumerated interface{ Values() []string }

// valuesOf are the values that a type takes, nil if it takes any.
func valuesOf(t reflect.Type) []any {
	if e, ok := reflect.Zero(t).Interface().(enumerated); ok {
		return anyOf(e.Values())
	}
	return nil
}

// named puts a struct among the definitions and refers to it.
func (g *schemas) named(t reflect.Type) object {
	name := strings.ToLower(t.Name()[:1]) + t.Name()[1:]
	ref := object{"$ref": "#/$defs/" + name + "Type"}
	if _, ok := g.defs[name+"Type"]; ok {
		return ref
	}
	properties := object{}
	g.defs[name+"Type"] = object{"type": "object", "additionalProperties": false, "properties": properties}
	var required []string
	for _, f := range strictyaml.Fields(t) {
		properties[f.Name] = g.of(f.Type)
		if f.Tag.Get("lesson") == "required" {
			required = append(required, f.Name)
		}
	}
	if len(required) > 0 {
		g.defs[name+"Type"].(object)["required"] = anyOf(required)
	}
	return ref
}

func anyOf(words []string) []any {
	out := make([]any, len(words))
	for i, w := range words {
		out[i] = w
	}
	return out
}
