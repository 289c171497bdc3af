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
		{"redis", "redis", "REDIS_ADDR"},
	}
}

// File is a shopctl.yaml.
type File struct {
	Path string
	// OfDirectory is set for the file of the working directory, whose author need not be the user. Its path is absolute.
	OfDirectory bool
	content     []byte
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

// Read reads the file that SHOPCTL_CONFIG names, or the first of the usual places that has one. The commands of a lesson
// by another author are configured by the user's own file alone.
func Read(getenv func(string) string) (File, error) {
	named := getenv("SHOPCTL_CONFIG")
	if named != "" {
		return readFile(named, true)
	}
	own := ownPath(getenv)
	if getenv(cmdutil.SessionEnv) == "" {
		path, content, err := readDirectory()
		if err == nil {
			f, err := parseConfig(configFile, content)
			f.Path, f.OfDirectory, f.content = path, path != own, content
			return f, err
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return File{}, cannotRead(err)
		}
	}
	if own == "" {
		return File{}, nil
	}
	return readFile(own, false)
}

// ownPath is where the user's configuration directory would have the file; empty if there is no such directory.
func ownPath(getenv func(string) string) string {
	if home := getenv("XDG_CONFIG_HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, "shopctl", configFile)
	}
	if home := getenv("HOME"); home != "" {
		return filepath.Join(home, ".config", "shopctl", configFile)
	}
	return ""
}

// readFile reads a file of the user's.
func readFile(path string, required bool) (File, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !required {
		return File{}, nil
	}
	if err != nil {
		return File{}, cannotRead(err)
	}
	return parseConfig(path, content)
}

func cannotRead(err error) error {
	return cmdutil.HintErr(cmdutil.ExitUsage, "SHOPCTL_CONFIG names another file", fmt.Errorf("read configuration: %w", err))
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
