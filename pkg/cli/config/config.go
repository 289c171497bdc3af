// Package config reads shopctl.yaml.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/suggest"
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

// imagesKey is the one key of shopctl.yaml without a flag: container image to command.
const imagesKey = "images"

// File is a shopctl.yaml as it was read.
type File struct {
	Path   string
	Values map[string]Value
	Images map[string][]string
}

type Value struct {
	Text string
	// position is "file:line:column".
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

// parseConfig decodes a file strictly: an unknown key or a value of a wrong shape is an error with its position.
func parseConfig(path string, content []byte) (File, error) {
	c := File{Path: path, Values: map[string]Value{}, Images: map[string][]string{}}
	var doc yaml.Node
	if err := yaml.Unmarshal(content, &doc); err != nil {
		return c, cmdutil.UsageErr("name: second", "%s: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(doc.Content) == 0 {
		return c, nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return c, c.errorAt(root, "", "want keys and values")
	}
	for i := 0; i < len(root.Content); i += 2 {
		if err := c.add(root.Content[i], root.Content[i+1]); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (c *File) add(key, value *yaml.Node) error {
	if _, twice := c.Values[key.Value]; twice {
		return c.errorAt(key, "", "key %q is there twice", key.Value)
	}
	if key.Value == imagesKey {
		return c.addImages(value)
	}
	known := []string{imagesKey}
	for _, s := range Settings() {
		known = append(known, s.Key)
		if s.Key != key.Value {
			continue
		}
		text, err := c.scalar(value)
		if err != nil {
			return err
		}
		c.Values[s.Key] = Value{Text: text, Position: c.at(key)}
		return nil
	}
	hint := "known keys: " + strings.Join(known, ", ")
	if near := suggest.Match(key.Value, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	return c.errorAt(key, hint, "unknown key %q", key.Value)
}

// scalar is one value, or a list joined by commas, as the flag takes it.
func (c *File) scalar(value *yaml.Node) (string, error) {
	switch value.Kind {
	case yaml.ScalarNode:
		return value.Value, nil
	case yaml.SequenceNode:
		words, err := c.words(value)
		return strings.Join(words, ","), err
	default:
		return "", c.errorAt(value, "", "want one value")
	}
}

func (c *File) addImages(value *yaml.Node) error {
	if value.Kind != yaml.MappingNode {
		return c.errorAt(value, "images: {myapp: [./myapp, --flag]}", "images: want image names with commands")
	}
	for i := 0; i < len(value.Content); i += 2 {
		key, command := value.Content[i], value.Content[i+1]
		words := strings.Fields(command.Value)
		if command.Kind == yaml.SequenceNode {
			var err error
			if words, err = c.words(command); err != nil {
				return err
			}
		}
		if len(words) == 0 {
			return c.errorAt(command, "images: {myapp: [./myapp, --flag]}", "images: %s: want a command", key.Value)
		}
		c.Images[key.Value] = words
	}
	return nil
}

func (c *File) words(list *yaml.Node) ([]string, error) {
	var words []string
	for _, n := range list.Content {
		if n.Kind != yaml.ScalarNode {
			return nil, c.errorAt(n, "", "want a word")
		}
		words = append(words, n.Value)
	}
	return words, nil
}

func (c *File) at(n *yaml.Node) string { return fmt.Sprintf("%s:%d:%d", c.Path, n.Line, n.Column) }

func (c *File) errorAt(n *yaml.Node, hint, format string, args ...any) error {
	return cmdutil.UsageErr(hint, "%s: %s", c.at(n), fmt.Sprintf(format, args...))
}
