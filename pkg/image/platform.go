package image

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Platform is an operating system and an architecture, as Go and OCI name them.
type Platform struct{ OS, Arch string }

// String is linux/amd64.
func (p Platform) String() string { return p.OS + "/" + p.Arch }

// machines are the architectures that images are built for.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// ParsePlatform reads linux/amd64 or linux/arm64.
func ParsePlatform(s string) (Platform, error) {
	goos, arch, _ := strings.Cut(s, "/")
	if _, known := machines[arch]; goos != "linux" || !known {
		return Platform{}, fmt.Errorf("platform %q: an image is for linux/amd64 or linux/arm64", s)
	}
	return Platform{goos, arch}, nil
}

// Check reports why a file cannot be the program of an image for a platform: it must be a static Linux binary, since an
// image has no libraries.
func Check(path string, p Platform) error {
	file, err := elf.Open(path)
	var format *elf.FormatError
	switch {
	case errors.As(err, &format):
		return fmt.Errorf("%s is not a program for Linux", path)
	case err != nil:
		if pathErr := (*os.PathError)(nil); errors.As(err, &pathErr) {
			return err
		}
		return fmt.Errorf("%s is not a program for Linux", path)
	}
	defer func() { _ = file.Close() }()
	switch dynamic := slices.ContainsFunc(file.Progs, func(s *elf.Prog) bool { return s.Type == elf.PT_INTERP }); {
	case file.Machine != machines[p.Arch]:
		return fmt.Errorf("%s is for another architecture than %s: %s", path, p.Arch, strings.TrimPrefix(file.Machine.String(), "EM_"))
	case dynamic:
		return fmt.Errorf("%s is linked with libraries that an image does not have: build it with CGO_ENABLED=0", path)
	}
	return nil
}

// Beside is where the program of a platform is unless it is named: this one, or beside it.
func Beside(executable string, p Platform) string {
	if p == (Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}) {
		return executable
	}
	return filepath.Join(filepath.Dir(executable), "shopctl-"+p.OS+"-"+p.Arch)
}

// Recipe is the command that builds the program of a platform, in a checkout, where Beside finds it.
func Recipe(p Platform) string {
	return fmt.Sprintf("GOOS=%s GOARCH=%s CGO_ENABLED=0 go build -tags grpcnotrace -trimpath -o shopctl-%s-%s ./cmd/shopctl", p.OS, p.Arch, p.OS, p.Arch)
}
