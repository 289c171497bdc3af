// Package imagetest makes programs for the tests of images.
package imagetest

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/shopctl/shopctl/pkg/image"
)

// static is a static program for linux/amd64.
var static = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "program")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	source, path := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command("go", "build", "-o", path, source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return os.ReadFile(path)
})

// Program writes a static program, which for arm64 is one by its header alone, and returns its path.
func Program(t *testing.T, p image.Platform) string {
	t.Helper()
	data, err := static()
	if err != nil {
		t.Fatal(err)
	}
	data = slices.Clone(data)
	if p.Arch == "arm64" {
		binary.LittleEndian.PutUint16(data[18:], uint16(elf.EM_AARCH64))
	}
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
