// Package config reads shopctl.yaml.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// configFile is looked for in the working directory, then in the user's configuration directory.
const configFile = "shopctl.yaml"

// Setting is one key of shopctl.yaml, which is also a flag and an environment variable.
type Setting struct {
	Key, Flag, Env string
}

func Settings() []Setting {
	return []Setting{
		{"name", "name", "SHOPCTL_NAME"},
		{"namespace", "namespace", "SHOPCTL_NAMESPACE"},
		{"quiet", "quiet", "SHOPCTL_QUIET"},
		{"color", "color", "SHOPCTL_COLOR"},
		{"ascii", "ascii", "SHOPCTL_ASCII"},
		{"accessible", "accessible", "SHOPCTL_ACCESSIBLE"},
		{"noTui", "no-tui", "SHOPCTL_NO_TUI"},
		{"port", "port", "SHOPCTL_PORT"},
		{"portBase", "port-base", "SHOPCTL_PORT_BASE"},
		{"prometheusPort", "prometheus-port", "SHOPCTL_PROMETHEUS_PORT"},
		{"only", "only", "SHOPCTL_ONLY"},
		{"driver", "driver", "SHOPCTL_DRIVER"},
		{"otlpForward", "otlp-forward", "SHOPCTL_OTLP_FORWARD"},
	}
}

// File is a shopctl.yaml.
type File struct {
	Path string
	// Values are those of Settings, by key.
	Values map[string]Value
	// Images are the commands of container images, the one key without a flag.
	Images map[string][]string
}

// Value is the value of a key, as its flag takes it.
type Value struct {
	Text string
	// Position is "file:line:column".
	Position string
}

// Read reads the file that SHOPCTL_CONFIG names, or the first of the usual places that has one.
func Read(getenv func(string) string) (File, error) {
	paths := []string{configFile}
	if home := getenv("XDG_CONFIG_HOME"); filepath.IsAbs(home) {
		paths = append(paths, filepath.Join(home, "shopctl", configFile))
	} else if home := getenv("HOME"); home != "" {
		paths = append(paths, filepath.Join(home, ".config", "shopctl", configFile))
	}
	named := getenv("SHOPCTL_CONFIG")
	if named != "" {
		paths = []string{named}
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) && named == "" {
			continue
		}
		if err != nil {
			return File{}, cmdutil.HintErr(cmdutil.ExitUsage, "SHOPCTL_CONFIG names another file", fmt.Errorf("read configuration: %w", err))
		}
		c, err := parseConfig(path, content)
		if err != nil {
			return File{}, err
		}
		return c, nil
	}
	return File{}, nil
}

// parseConfig decodes a file strictly: an unknown key or a value of a wrong type is an error with its position.
func parseConfig(path string, content []byte) (File, error) {
	c := File{Path: path, Values: map[string]Value{}, Images: map[string][]string{}}
	var doc document
	node, err := strictyaml.Parse(string(content))
	if err == nil && node != nil {
		err = strictyaml.Into(node, &doc)
	}
	if err != nil {
		return c, positioned(path, err)
	}
	for key, v := range doc.Settings.read {
		c.Values[key] = Value{Text: v.text, Position: fmt.Sprintf("%s:%d:%d", path, v.line, v.column)}
	}
	for image, command := range doc.Images {
		c.Images[image] = command
	}
	return c, nil
}

// positioned adds the file to an error, and makes a hint of the names that it suggests.
func positioned(path string, err error) error {
	text, hint := err.Error(), ""
	for _, start := range []string{"did you mean ", "want "} {
		if before, after, ok := strings.Cut(text, "; "+start); ok {
			text, hint = before, strings.ReplaceAll(start+after, `"`, "")
		}
	}
	return cmdutil.UsageErr(hint, "%s:%s", path, text)
}

// document is the file as it is decoded.
type document struct {
	Settings settingValues      `yaml:",inline"`
	Images   map[string]command `yaml:"images"`
}

type settingValue struct {
	text         string
	line, column int
}

// settingValues are the values of the keys of Settings.
type settingValues struct{ read map[string]settingValue }

// Keys implements strictyaml.Keyed.
func (v *settingValues) Keys() []strictyaml.Field {
	var keys []strictyaml.Field
	for _, s := range Settings() {
		keys = append(keys, strictyaml.Field{Name: s.Key, Type: reflect.TypeFor[string]()})
	}
	return keys
}

// DecodeKey implements strictyaml.Keyed. A list is joined by commas, as flags take it.
func (v *settingValues) DecodeKey(key string, value *yaml.Node) error {
	words := []string{""}
	var err error
	if value.Kind == yaml.SequenceNode {
		err = strictyaml.Into(value, &words)
	} else {
		err = strictyaml.Into(value, &words[0])
	}
	if v.read == nil {
		v.read = map[string]settingValue{}
	}
	v.read[key] = settingValue{strings.Join(words, ","), value.Line, value.Column}
	return err
}

// command is a command line: a list of words, or text that is split at spaces.
type command []string

// DecodeNode implements strictyaml.Node.
func (c *command) DecodeNode(n *yaml.Node) error {
	*c = strings.Fields(n.Value)
	if n.Kind == yaml.SequenceNode {
		if err := strictyaml.Into(n, (*[]string)(c)); err != nil {
			return err
		}
	}
	if len(*c) == 0 {
		return strictyaml.At(n, "want a command, such as [./myapp, --flag]")
	}
	return nil
}
