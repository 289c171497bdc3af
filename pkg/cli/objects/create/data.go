package create

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

// sources are the flags by which ConfigMaps and Secrets get their data.
type sources struct {
	files, literals, envFiles []string
	// check returns why a file may not be read.
	check  func(path string) error
	getenv func(string) string

	data   map[string][]byte
	opened []string
}

func (s *sources) add(cmd *cobra.Command, f *cmdutil.Factory) {
	s.check, s.getenv = f.CheckFile, f.Getenv
	cmd.Flags().StringSliceVar(&s.files, "from-file", nil, "a `FILE`, KEY=FILE, or the files of a directory; can be repeated")
	cmd.Flags().StringArrayVar(&s.literals, "from-literal", nil, "a `KEY=VALUE`; can be repeated")
	cmd.Flags().StringSliceVar(&s.envFiles, "from-env-file", nil, "a `FILE` of lines KEY=VALUE; can be repeated")
	cmdutil.Must(cmd.MarkFlagFilename("from-env-file"))
}

// read returns the data that the flags name.
func (s *sources) read() (map[string][]byte, error) {
	if len(s.envFiles) > 0 && len(s.files)+len(s.literals) > 0 {
		return nil, cmdutil.UsageErr("leave out one of them", "--from-env-file cannot be combined with --from-file or --from-literal")
	}
	s.data = map[string][]byte{}
	for _, source := range s.files {
		if err := s.fromFile(source); err != nil {
			return nil, err
		}
	}
	for _, source := range s.literals {
		key, value, ok := strings.Cut(source, "=")
		if !ok || key == "" {
			return nil, cmdutil.UsageErr("--from-literal KEY=VALUE", "invalid literal source %s, expected key=value", source)
		}
		if err := s.put(key, []byte(value)); err != nil {
			return nil, err
		}
	}
	for _, path := range s.envFiles {
		if err := s.fromEnvFile(path); err != nil {
			return nil, err
		}
	}
	return s.data, nil
}

// fromFile reads FILE, KEY=FILE, or the regular files of a directory.
func (s *sources) fromFile(source string) error {
	key, path, given := strings.Cut(source, "=")
	switch {
	case !given:
		path, key = source, filepath.Base(source)
	case key == "":
		return cmdutil.UsageErr("--from-file KEY=FILE", "key name for file path %s missing", path)
	case path == "":
		return cmdutil.UsageErr("--from-file KEY=FILE", "file path for key name %s missing", key)
	case strings.Contains(path, "="):
		return cmdutil.UsageErr("--from-file KEY=FILE", "read --from-file %q: key names or file paths cannot contain '='", source)
	}
	info, err := os.Stat(path)
	if err != nil {
		return cmdutil.HintErr(cmdutil.ExitUsage, "give --from-file a file or a directory", fmt.Errorf("read data: %w", err))
	}
	if !info.IsDir() {
		return s.putFile(key, path)
	}
	if given {
		return cmdutil.UsageErr("--from-file "+path, "cannot give a key name for a directory path")
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return cmdutil.HintErr(cmdutil.ExitUsage, "give --from-file a file or a directory", fmt.Errorf("read data: %w", err))
	}
	for _, e := range entries {
		if e.Type().IsRegular() {
			if err := s.putFile(e.Name(), filepath.Join(path, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *sources) putFile(key, path string) error {
	content, err := s.readFile(path)
	if err != nil {
		return err
	}
	return s.put(key, content)
}

// readFile reads a file that the command may read.
func (s *sources) readFile(path string) ([]byte, error) {
	s.opened = append(s.opened, path)
	if err := s.check(path); err != nil {
		return nil, err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, cmdutil.HintErr(cmdutil.ExitUsage, "name a file that can be read", fmt.Errorf("read data: %w", err))
	}
	return content, nil
}

// fromEnvFile reads lines KEY=VALUE. A line with a key alone takes its value from the environment; # begins a comment.
func (s *sources) fromEnvFile(path string) error {
	content, err := s.readFile(path)
	if err != nil {
		return err
	}
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(string(content), "\ufeff")) {
		number++
		line = strings.TrimLeft(strings.TrimRight(line, "\r\n"), " \t")
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if errs := validation.IsEnvVarName(key); len(errs) > 0 {
			return cmdutil.UsageErr("--from-env-file FILE", "%s:%d: %q is not a valid key name: %s", path, number, key, strings.Join(errs, ";"))
		}
		if !ok {
			if value = s.getenv(key); value == "" {
				continue
			}
		}
		if err := s.put(key, []byte(value)); err != nil {
			return err
		}
	}
	return nil
}

func (s *sources) put(key string, value []byte) error {
	if errs := validation.IsConfigMapKey(key); len(errs) > 0 {
		return cmdutil.UsageErr("--from-literal KEY=VALUE", "%q is not a valid key name: %s", key, strings.Join(errs, ","))
	}
	if _, twice := s.data[key]; twice {
		return cmdutil.UsageErr("leave out one of them", "cannot add key %q, another key by that name already exists", key)
	}
	s.data[key] = slices.Clone(value)
	return nil
}
