package docker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/shopctl/shopctl/pkg/engine"
	"github.com/shopctl/shopctl/pkg/image"
)

// Place is an engine with the image of this binary.
type Place struct {
	Engine *engine.Engine
	About  engine.About
	// Image is the image's reference.
	Image string
}

// BinaryError reports that the engine cannot run this binary.
type BinaryError struct {
	Platform image.Platform
	Err      error
}

func (e *BinaryError) Error() string {
	return fmt.Sprintf("make the image of the shop for %s: %v", e.Platform, e.Err)
}

func (e *BinaryError) Unwrap() error { return e.Err }

// Hint builds the binary that is needed.
func (e *BinaryError) Hint() string { return image.Recipe(e.Platform) }

// Connect finds the engine as docker's own command does. Its errors have a method Hint.
func Connect(ctx context.Context, getenv func(string) string) (*engine.Engine, error) {
	at, err := engine.Finder{Getenv: getenv}.Find()
	if err != nil {
		return nil, &engine.UnreachableError{Endpoint: at, Err: err}
	}
	return engine.Connect(ctx, at)
}

// Open finds the engine and gives it the image of this binary if it does not have it. told, if it is not nil, gets a line
// of what takes time. The errors that a user can mend have a method Hint.
func Open(ctx context.Context, getenv func(string) string, executable, version string, told func(string)) (*Place, error) {
	e, err := Connect(ctx, getenv)
	if err != nil {
		return nil, err
	}
	p := &Place{Engine: e}
	if p.About, err = e.About(ctx); err == nil {
		err = p.ensureImage(ctx, executable, version, told)
	}
	if err != nil {
		_ = e.Close()
		return nil, err
	}
	return p, nil
}

// ensureImage names the image by the contents of the binary, which takes less time than to make it.
func (p *Place) ensureImage(ctx context.Context, executable, version string, told func(string)) error {
	platform := image.Platform{OS: p.About.OS, Arch: p.About.Arch}
	path := image.Beside(executable, platform)
	if err := image.Check(path, platform); err != nil {
		return &BinaryError{platform, err}
	}
	sum, err := sumOf(path)
	if err != nil {
		return &BinaryError{platform, err}
	}
	p.Image = image.Name + ":bin-" + sum[:12]
	if _, err := p.Engine.Image(ctx, p.Image); !errors.Is(err, engine.ErrNoImage) {
		return err
	}
	built, err := image.Build(version, image.Binary{Platform: platform, Path: path})
	if err != nil {
		return &BinaryError{platform, err}
	}
	size, err := built.Size()
	if err != nil {
		return err
	}
	r, w := io.Pipe()
	go func() { _ = w.CloseWithError(built.WriteArchive(w, p.Image)) }()
	_, err = p.Engine.Load(ctx, r)
	_ = r.CloseWithError(err) // ends the writer, if the engine has not read everything
	if err != nil {
		return err
	}
	if told != nil {
		told(fmt.Sprintf("image %s, %.1f MB, is on the engine at %s", p.Image, float64(size)/1e6, p.Engine.Host))
	}
	return nil
}

// sumOf is the SHA-256 of a file in hexadecimal digits.
func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
