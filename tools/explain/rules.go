package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
)

// rulesFile has the Go types of the spec of PrometheusRule.
const rulesFile = "pkg/rule/rule.go"

// loadRules reads the kind PrometheusRule from the comments of its Go types.
func (b *builder) loadRules() error {
	file, err := parser.ParseFile(token.NewFileSet(), rulesFile, nil, parser.ParseComments)
	if err != nil {
		return err
	}
	for _, decl := range file.Decls {
		general, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range general.Specs {
			if t, ok := spec.(*ast.TypeSpec); ok {
				if fields, ok := t.Type.(*ast.StructType); ok && t.Name.IsExported() {
					b.from["rule."+t.Name.Name] = goSchema(general.Doc, fields)
				}
			}
		}
	}
	b.custom("monitoring.coreos.com.v1.PrometheusRule", &openAPI{
		Description: "PrometheusRule holds recording and alerting rules.", Type: "object", Required: []string{"spec"},
		Properties: map[string]*openAPI{"spec": {Ref: "rule.Spec"}},
	})
	return nil
}

// goSchema is the schema of a struct whose fields have names for JSON.
func goSchema(doc *ast.CommentGroup, s *ast.StructType) *openAPI {
	out := &openAPI{Description: comment(doc), Type: "object", Properties: map[string]*openAPI{}}
	for _, field := range s.Fields.List {
		if field.Tag == nil {
			continue
		}
		name, options, _ := strings.Cut(reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		f := goType(field.Type)
		f.Description = comment(field.Doc) + comment(field.Comment)
		out.Properties[name] = f
		if !strings.Contains(options, "omit") {
			out.Required = append(out.Required, name)
		}
	}
	return out
}

func goType(e ast.Expr) *openAPI {
	switch e := e.(type) {
	case *ast.StarExpr:
		return goType(e.X)
	case *ast.ArrayType:
		return &openAPI{Type: "array", Items: goType(e.Elt)}
	case *ast.MapType:
		return &openAPI{Type: "object", Values: []byte(`{"type":"string"}`)}
	case *ast.Ident:
		switch {
		case e.Name == "bool":
			return &openAPI{Type: "boolean"}
		case strings.HasPrefix(e.Name, "int"):
			return &openAPI{Type: "integer"}
		case e.Name != "string" && e.IsExported():
			return &openAPI{Ref: "rule." + e.Name}
		}
	}
	return &openAPI{Type: "string"}
}

func comment(c *ast.CommentGroup) string {
	return strings.TrimSpace(strings.ReplaceAll(c.Text(), "\n", " "))
}
