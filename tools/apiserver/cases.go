package apiserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// Case is a name and the manifests that are applied one after another; the outcome is that of the last.
type Case struct {
	Name  string
	Steps []string
}

// table is one file of cases.
type table struct {
	// Base is the manifest that cases change.
	Base map[string]any `yaml:"base"`
	// At is a path below which the fields of Set are.
	At string `yaml:"at"`
	// Set has a case for each value of each field, by path; the value "$unset" removes the field.
	Set yaml.Node `yaml:"set"`
	// Changes are cases of several fields by name, or of several steps.
	Changes map[string][]map[string]any `yaml:"changes"`
	// Raw are manifests as text, by name.
	Raw map[string]string `yaml:"raw"`
	// More are further tables with the same base.
	More []table `yaml:"more"`
}

// Load reads all tables of a directory; the cases of a file are under the file's name.
func Load(dir string) (map[string][]Case, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	groups := map[string][]Case{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var t table
		decoder := yaml.NewDecoder(bytes.NewReader(content))
		decoder.KnownFields(true)
		if err := decoder.Decode(&t); err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		group := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if groups[group], err = t.cases(); err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
	}
	return groups, nil
}

func (t table) cases() ([]Case, error) {
	cases, err := t.fields()
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(t.Changes)) {
		c := Case{Name: name}
		for _, change := range t.Changes[name] {
			step, err := t.step(change)
			if err != nil {
				return nil, fmt.Errorf("case %q: %w", name, err)
			}
			c.Steps = append(c.Steps, step)
		}
		cases = append(cases, c)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Raw)) {
		cases = append(cases, Case{Name: name, Steps: []string{t.Raw[name]}})
	}
	for _, more := range t.More {
		if more.Base == nil {
			more.Base = t.Base
		}
		further, err := more.cases()
		if err != nil {
			return nil, err
		}
		cases = append(cases, further...)
	}
	return cases, nil
}

// fields are the cases of Set, in the order of the file.
func (t table) fields() ([]Case, error) {
	var cases []Case
	for i := 0; i+1 < len(t.Set.Content); i += 2 {
		path := t.Set.Content[i].Value
		var values []any
		if err := t.Set.Content[i+1].Decode(&values); err != nil {
			return nil, fmt.Errorf("field %s: %w", path, err)
		}
		for _, v := range values {
			step, err := t.step(map[string]any{path: v})
			if err != nil {
				return nil, fmt.Errorf("field %s: %w", path, err)
			}
			text, err := json.Marshal(v)
			if err != nil {
				return nil, err
			}
			cases = append(cases, Case{Name: join(t.At, path) + " = " + string(text), Steps: []string{step}})
		}
	}
	return cases, nil
}

// step is the base with fields set, as JSON on one line, which is YAML too.
func (t table) step(set map[string]any) (string, error) {
	data, err := json.Marshal(t.Base)
	if err != nil {
		return "", err
	}
	var object any
	if err := json.Unmarshal(data, &object); err != nil {
		return "", err
	}
	for _, path := range slices.Sorted(maps.Keys(set)) {
		keys, err := split(join(t.At, path))
		if err != nil {
			return "", err
		}
		if object, err = with(object, keys, set[path]); err != nil {
			return "", fmt.Errorf("set %s: %w", path, err)
		}
	}
	data, err = json.Marshal(object)
	return string(data), err
}
