package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/services"
)

// forwardKey and redisKey are the keys of settings that send data elsewhere.
const (
	forwardKey = "otlpForward"
	redisKey   = "redis"
)

// Effects lists what a file does that its user should have read: the programs that it runs and where it sends spans. It
// is empty for a file that only chooses names, ports and looks. An image of a built-in service is left out: its program is
// never replaced.
func (f File) Effects() []string {
	var effects []string
	for _, image := range slices.Sorted(maps.Keys(f.Images)) {
		if _, _, builtin := services.ByImage(image); builtin {
			continue
		}
		effects = append(effects, fmt.Sprintf("image %s runs: %s", image, strings.Join(f.Images[image], " ")))
	}
	if v := f.Values[forwardKey]; v.Text != "" {
		effects = append(effects, "spans are sent to: "+v.Text)
	}
	if v := f.Values[redisKey]; v.Text != "" {
		effects = append(effects, "carts are kept at: "+v.Text)
	}
	return effects
}

// Trust remembers which files of directories the user allowed, each by its place and content: a file that changes is to
// be allowed again.
type Trust struct {
	// Dir has an entry for each file.
	Dir string
}

// trustDir is the directory beside the states of shops, whose names have no dot.
const trustDir = "trusted.d"

// NewTrust returns what is remembered in a directory for the state of all shops.
func NewTrust(state string) Trust { return Trust{filepath.Join(state, trustDir)} }

// Check returns an *UntrustedError if the file belongs to a directory, has effects, and was not allowed.
func (t Trust) Check(f File) error {
	if !f.OfDirectory || len(f.Effects()) == 0 {
		return nil
	}
	_, err := os.Stat(t.entry(f))
	if errors.Is(err, fs.ErrNotExist) {
		return &UntrustedError{f}
	}
	if err != nil {
		return fmt.Errorf("read what is allowed: %w", err)
	}
	return nil
}

// Allow remembers the file.
func (t Trust) Allow(f File) error {
	err := os.MkdirAll(t.Dir, 0o700)
	if err == nil {
		err = os.WriteFile(t.entry(f), []byte(f.Path+"\n"), 0o600)
	}
	if err != nil {
		return fmt.Errorf("remember that %s is allowed: %w", f.Path, err)
	}
	return nil
}

// Revoke forgets the file as it is now.
func (t Trust) Revoke(f File) error {
	if err := os.Remove(t.entry(f)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget that %s is allowed: %w", f.Path, err)
	}
	return nil
}

// Others returns the allowed files that are as they were when they were allowed, without the given one, the last allowed
// first.
func (t Trust) Others(but File) []File {
	entries, err := os.ReadDir(t.Dir)
	if err != nil {
		return nil // nothing was ever allowed, or it cannot be read: then it is not
	}
	var found []File
	allowed := map[string]time.Time{}
	for _, e := range entries {
		name, err := os.ReadFile(filepath.Join(t.Dir, e.Name()))
		path := strings.TrimSuffix(string(name), "\n")
		if err != nil || path == but.Path {
			continue
		}
		content, err := readPlain(path)
		if err != nil {
			continue // it has gone
		}
		file, err := parseConfig(path, content)
		file.OfDirectory, file.content = true, content
		info, statErr := e.Info()
		if err != nil || statErr != nil || filepath.Base(t.entry(file)) != e.Name() {
			continue // it has changed
		}
		found = append(found, file)
		allowed[path] = info.ModTime()
	}
	slices.SortStableFunc(found, func(a, b File) int { return allowed[b.Path].Compare(allowed[a.Path]) })
	return found
}

func (t Trust) entry(f File) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\x00%s", f.Path, f.content)
	return filepath.Join(t.Dir, hex.EncodeToString(sum.Sum(nil)))
}

// UntrustedError is a file of a directory that runs programs or sends data elsewhere, and was not allowed.
type UntrustedError struct{ File File }

func (e *UntrustedError) Error() string {
	return fmt.Sprintf("%s was not allowed to run programs or to send data elsewhere", e.File.Path)
}

// Hint is how to allow it.
func (e *UntrustedError) Hint() string {
	return "read it, and allow it as it is now: shopctl config trust"
}

// readDirectory reads the configuration of the working directory. It is a plain file of a moderate size: anything can lie
// in a directory.
func readDirectory() (path string, content []byte, err error) {
	path, err = filepath.Abs(configFile)
	if err != nil {
		return "", nil, err
	}
	content, err = readPlain(path)
	return path, content, err
}

// readPlain reads a plain file of a moderate size.
func readPlain(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxFile) {
		err = &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("not a regular file of at most %d KiB", maxFile>>10)}
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// maxFile bounds the configuration of a directory.
const maxFile = 256 << 10
