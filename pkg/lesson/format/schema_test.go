package format

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// validator is as much of JSON Schema as our schemas use.
type validator struct{ defs map[string]any }

func (v validator) check(s map[string]any, value any, at string) error {
	if ref, ok := s["$ref"].(string); ok {
		return v.check(v.defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any), value, at)
	}
	if choices, ok := s["anyOf"].([]any); ok {
		var errs []error
		for _, one := range choices {
			err := v.check(one.(map[string]any), value, at)
			if err == nil {
				return nil
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	}
	if enum, ok := s["enum"].([]any); ok && !slices.Contains(enum, any(fmt.Sprint(value))) {
		return fmt.Errorf("%s: %v is none of %v", at, value, enum)
	}
	if !hasType(s["type"], value) {
		return fmt.Errorf("%s: %v is no %v", at, value, s["type"])
	}
	if p, ok := s["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(fmt.Sprint(value)) {
		return fmt.Errorf("%s: %v does not match", at, value)
	}
	switch value := value.(type) {
	case []any:
		for i, item := range value {
			if items, ok := s["items"].(map[string]any); ok {
				if err := v.check(items, item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
					return err
				}
			}
		}
	case map[string]any:
		return v.object(s, value, at)
	}
	return nil
}

func (v validator) object(s, value map[string]any, at string) error {
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, ok := value[name.(string)]; !ok {
			return fmt.Errorf("%s: %s is missing", at, name)
		}
	}
	properties, _ := s["properties"].(map[string]any)
	for name, item := range value {
		one, ok := properties[name].(map[string]any)
		if !ok && s["additionalProperties"] == false {
			return fmt.Errorf("%s: unknown key %s", at, name)
		}
		if ok {
			if err := v.check(one, item, at+"."+name); err != nil {
				return err
			}
		}
	}
	return nil
}

func hasType(want, value any) bool {
	if want == nil {
		return true
	}
	if list, ok := want.([]any); ok {
		return slices.ContainsFunc(list, func(one any) bool { return hasType(one, value) })
	}
	is := map[string]bool{}
	switch value.(type) {
	case string:
		is["string"] = true
	case bool:
		is["boolean"] = true
	case int:
		is["integer"], is["number"] = true, true
	case float64:
		is["number"] = true
	case []any:
		is["array"] = true
	case map[string]any:
		is["object"] = true
	}
	return is[want.(string)]
}

// conforms validates the YAML of a lesson against the schemas.
func conforms(t *testing.T, text string) error {
	t.Helper()
	r := &reporter{}
	p := readPage(r, []byte(text))
	pieces := map[string][]string{"front": {p.front}}
	for _, s := range p.sections {
		for _, f := range s.fences {
			if f.language == "yaml" {
				pieces[f.role] = append(pieces[f.role], f.content)
			}
		}
	}
	var errs []error
	for role, texts := range pieces {
		made, err := Schema(role)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(made) // as an editor sees it
		if err != nil {
			t.Fatal(err)
		}
		var schema map[string]any
		if err := json.Unmarshal(raw, &schema); err != nil {
			t.Fatal(err)
		}
		defs, _ := schema["$defs"].(map[string]any)
		for _, text := range texts {
			var value any
			if err := yaml.Unmarshal([]byte(text), &value); err != nil {
				return err
			}
			errs = append(errs, validator{defs}.check(schema, value, role))
		}
	}
	return errors.Join(errs...)
}

func TestTheSchemaTakesWhatTheParserTakes(t *testing.T) {
	if err := conforms(t, sample(t)); err != nil {
		t.Error(err)
	}
	files, err := filepath.Glob("../../../lessons/*/*/lesson.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d lessons, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := conforms(t, string(text)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestTheSchemaRefusesWhatTheParserRefuses(t *testing.T) {
	for name, c := range map[string]struct{ old, new string }{
		"an unknown key in front":  {"minutes: 5", "minuts: 5"},
		"an unknown key in a list": {"    reply: Not this", "    replay: Not this"},
		"a missing title":          {"title: A sample\n", ""},
		"a missing question":       {"question: What comes back for an unknown id?\n", ""},
		"a missing say":            {"    say: An empty product\n", ""},
		"an unknown code":          {"code: DEADLINE_EXCEEDED", "code: DEADLINE_EXCEDED"},
		"an unknown kind":          {"kind: number", "kind: nummer"},
		"an unknown take":          {"take: exit", "take: exot"},
		"an unknown rollback":      {"rollback: [faults]", "rollback: [fautls]"},
		"no duration":              {"deadline: 500ms", "deadline: fast"},
		"a text for a number":      {"minutes: 5", "minutes: five"},
		"a list for a text":        {"title: A sample", "title: [A]"},
		"a missing service":        {"    service: catalog\n    method", "    method"},
		"a mistake with no say":    {"          say: That is the exit code, 64 more.\n", ""},
		"a question with no ask":   {"  ask: Which code has an unknown id?\n", ""},
	} {
		text := strings.Replace(sample(t), c.old, c.new, 1)
		if text == sample(t) {
			t.Fatalf("%s: %q is not in the sample", name, c.old)
		}
		if _, err := Parse("l.md", []byte(text)); err == nil {
			t.Errorf("%s: the parser takes it", name)
		}
		if err := conforms(t, text); err == nil {
			t.Errorf("%s: the schema takes it", name)
		}
	}
	for _, probe := range []string{
		"promql: {below: 1}", "promql: {expr: x, blow: 1}", "edge: {caller: checkout, rate: 1}", "alert: {name: Slow, state: fireing}",
		"trace: {spans: [{name: x, kind: servre}]}", "resource: {kind: Deployment}", "manifest: {objects: []}", "gotest: {limit: soon}",
	} {
		text, _ := withProbe(t, probe)
		if _, err := Parse("l.md", []byte(text)); err == nil {
			t.Errorf("%s: the parser takes it", probe)
		}
		if err := conforms(t, text); err == nil {
			t.Errorf("%s: the schema takes it", probe)
		}
	}
}

func TestTheWholeSchemaDefinesEveryRole(t *testing.T) {
	s, err := Schema("")
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range SchemaRoles() {
		if s["$defs"].(map[string]any)[role] == nil {
			t.Errorf("%s is not defined", role)
		}
	}
	if _, err := Schema("chek"); err == nil || !strings.Contains(err.Error(), `did you mean "check"?`) {
		t.Errorf("an unknown role: %v", err)
	}
}
