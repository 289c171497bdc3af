package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// configDir is where docker's command keeps its configuration.
func (f Finder) configDir() string {
	if dir := f.Getenv("DOCKER_CONFIG"); dir != "" {
		return dir
	}
	return filepath.Join(f.Getenv("HOME"), ".docker")
}

// context is the name of the chosen context, empty if none was chosen.
func (f Finder) context() (string, error) {
	if name := f.Getenv("DOCKER_CONTEXT"); name != "" {
		return name, nil
	}
	path := filepath.Join(f.configDir(), "config.json")
	var config struct {
		CurrentContext string `json:"currentContext"`
	}
	err := readJSON(path, &config)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("find the container engine: %w", err)
	}
	return config.CurrentContext, nil
}

// fromContext reads a context as docker context create has written it: its directory is named by the SHA-256 of its name.
func (f Finder) fromContext(name string) (Endpoint, error) {
	sum := sha256.Sum256([]byte(name))
	id := hex.EncodeToString(sum[:])
	var meta struct {
		Endpoints map[string]struct{ Host string }
	}
	dir := filepath.Join(f.configDir(), "contexts")
	err := readJSON(filepath.Join(dir, "meta", id, "meta.json"), &meta)
	if errors.Is(err, fs.ErrNotExist) {
		return Endpoint{}, fmt.Errorf("docker context %q does not exist: docker context ls", name)
	}
	if err != nil {
		return Endpoint{}, fmt.Errorf("docker context %q: %w", name, err)
	}
	e := Endpoint{Host: meta.Endpoints["docker"].Host, Source: fmt.Sprintf("docker context %q", name)}
	if e.Host == "" {
		return Endpoint{}, fmt.Errorf("docker context %q has no endpoint of docker", name)
	}
	if certs := filepath.Join(dir, "tls", id, "docker"); isDir(certs) {
		e.certs = certs
	}
	return e, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
