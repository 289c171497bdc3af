// Package image builds the container image of the shop: this binary, and almost nothing else.
//
// The binary is static, so that an image needs no distribution under it: no base image, no Dockerfile, no registry and no
// engine take part in a build. One image serves all services, sidecars and the daemon; which of them a container is follows
// from its command. Equal binaries make equal images, bit for bit: no time, user or path of the machine goes in.
package image

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Name is the image's repository where none is given.
const Name = "shopctl"

// User is the user and group that its containers run as, with no name on any usual host: "nonroot", as in distroless images.
const User = 65532

// Binary is a program for one platform.
type Binary struct {
	Platform Platform
	Path     string
}

// Image is a built image, for one platform or several.
type Image struct {
	// Tag is made of the contents: images with the same tag are the same.
	Tag string
	// Platforms are those that it runs on, in the order in which they were given.
	Platforms []Platform

	images []v1.Image
	index  v1.ImageIndex
}

// Build makes the image of one binary for each platform. The version is kept as a label.
func Build(version string, binaries ...Binary) (*Image, error) {
	if len(binaries) == 0 {
		return nil, errors.New("build image: no binary")
	}
	base, err := baseLayer()
	if err != nil {
		return nil, fmt.Errorf("build image: %w", err)
	}
	built := &Image{index: mutate.IndexMediaType(empty.Index, types.OCIImageIndex)}
	for _, b := range binaries {
		if slices.Contains(built.Platforms, b.Platform) {
			return nil, fmt.Errorf("build image: two binaries for %s", b.Platform)
		}
		img, err := build(version, b, base)
		if err != nil {
			return nil, fmt.Errorf("build image for %s: %w", b.Platform, err)
		}
		built.Platforms = append(built.Platforms, b.Platform)
		built.images = append(built.images, img)
		built.index = mutate.AppendManifests(built.index, mutate.IndexAddendum{
			Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: b.Platform.OS, Architecture: b.Platform.Arch}},
		})
	}
	digest, err := built.Digest()
	if err != nil {
		return nil, fmt.Errorf("build image: %w", err)
	}
	built.Tag = strings.TrimPrefix(digest, "sha256:")[:12]
	return built, nil
}

// build makes the image of one binary.
func build(version string, b Binary, base v1.Layer) (v1.Image, error) {
	program, err := binaryLayer(b.Path)
	if err != nil {
		return nil, err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if img, err = mutate.AppendLayers(img, base, program); err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = b.Platform.OS, b.Platform.Arch
	config.Config = v1.Config{
		Entrypoint: []string{binaryPath},
		User:       fmt.Sprintf("%d:%d", User, User),
		WorkingDir: home,
		Env:        []string{"HOME=" + home, "PATH=/"},
		Labels: map[string]string{
			"org.opencontainers.image.title":   Name,
			"org.opencontainers.image.version": cmp.Or(version, "devel"),
		},
	}
	return mutate.ConfigFile(img, config)
}

// multi reports whether it is an index of several images.
func (i *Image) multi() bool { return len(i.images) > 1 }

// Digest is that of its manifest or, for several platforms, of its index: sha256:...
func (i *Image) Digest() (string, error) {
	var of interface{ Digest() (v1.Hash, error) } = i.images[0]
	if i.multi() {
		of = i.index
	}
	digest, err := of.Digest()
	return digest.String(), err
}

// Size is that of all its compressed layers, in bytes.
func (i *Image) Size() (sum int64, err error) {
	for _, img := range i.images {
		layers, err := img.Layers()
		if err != nil {
			return 0, err
		}
		for _, l := range layers {
			n, err := l.Size()
			if err != nil {
				return 0, err
			}
			sum += n
		}
	}
	return sum, nil
}
