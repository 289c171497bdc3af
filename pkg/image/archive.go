package image

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Blobs have one name in both of the formats below.
func blobPath(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }

// dockerEntry is an image in the archive format of docker save, in manifest.json.
type dockerEntry struct {
	Config   string   `json:"Config"`
	RepoTags []string `json:"RepoTags"`
	Layers   []string `json:"Layers"`
}

// archiver writes one archive.
type archiver struct {
	w       *tar.Writer
	written map[string]bool
}

// WriteArchive writes the image as a file that docker load, podman load, ctr images import, kind load image-archive,
// minikube image load and k3d image import take: an OCI layout, which also has docker's manifest. The reference is that under
// which it will be known: shopctl:0123456789ab. An engine that keeps one platform of an image takes that of this machine, or
// else the first.
func (i *Image) WriteArchive(to io.Writer, reference string) error {
	a := &archiver{w: tar.NewWriter(to), written: map[string]bool{}}
	if err := i.writeArchive(a, reference); err != nil {
		return fmt.Errorf("write image archive: %w", err)
	}
	return nil
}

func (i *Image) writeArchive(a *archiver, reference string) error {
	top, err := i.descriptor()
	if err != nil {
		return err
	}
	full, tag, err := expand(reference)
	if err != nil {
		return err
	}
	top.Annotations = map[string]string{"io.containerd.image.name": full, "org.opencontainers.image.ref.name": tag}
	index, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{top}})
	if err != nil {
		return err
	}
	preferred := max(0, slices.Index(i.Platforms, Platform{"linux", runtime.GOARCH}))
	var docker []dockerEntry
	for n, img := range i.images {
		entry, err := a.image(img)
		if err != nil {
			return err
		}
		if n == preferred {
			entry.RepoTags = []string{reference}
			docker = append(docker, entry)
		}
	}
	manifest, err := json.Marshal(docker)
	if err != nil {
		return err
	}
	if i.multi() {
		if err := a.manifest(i.index); err != nil {
			return err
		}
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{"oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`)}, {"index.json", index}, {"manifest.json", manifest}} {
		if err := a.file(f.name, int64(len(f.data)), bytes.NewReader(f.data)); err != nil {
			return err
		}
	}
	return a.w.Close()
}

// descriptor describes the manifest, or the index of several.
func (i *Image) descriptor() (v1.Descriptor, error) {
	var of interface {
		Digest() (v1.Hash, error)
		Size() (int64, error)
		MediaType() (types.MediaType, error)
	} = i.images[0]
	if i.multi() {
		of = i.index
	}
	digest, err := of.Digest()
	if err != nil {
		return v1.Descriptor{}, err
	}
	size, err := of.Size()
	if err != nil {
		return v1.Descriptor{}, err
	}
	kind, err := of.MediaType()
	return v1.Descriptor{MediaType: kind, Digest: digest, Size: size}, err
}

// image writes the blobs of an image that are not there yet.
func (a *archiver) image(img v1.Image) (dockerEntry, error) {
	layers, err := img.Layers()
	if err != nil {
		return dockerEntry{}, err
	}
	var entry dockerEntry
	for _, l := range layers {
		digest, err := l.Digest()
		if err != nil {
			return entry, err
		}
		entry.Layers = append(entry.Layers, blobPath(digest))
		if err := a.layer(l, digest); err != nil {
			return entry, err
		}
	}
	config, err := img.RawConfigFile()
	if err != nil {
		return entry, err
	}
	digest, err := img.ConfigName()
	if err != nil {
		return entry, err
	}
	entry.Config = blobPath(digest)
	if err := a.file(entry.Config, int64(len(config)), bytes.NewReader(config)); err != nil {
		return entry, err
	}
	return entry, a.manifest(img)
}

func (a *archiver) layer(l v1.Layer, digest v1.Hash) error {
	size, err := l.Size()
	if err != nil {
		return err
	}
	content, err := l.Compressed()
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	return a.file(blobPath(digest), size, content)
}

func (a *archiver) manifest(of interface {
	Digest() (v1.Hash, error)
	RawManifest() ([]byte, error)
},
) error {
	digest, err := of.Digest()
	if err != nil {
		return err
	}
	raw, err := of.RawManifest()
	if err != nil {
		return err
	}
	return a.file(blobPath(digest), int64(len(raw)), bytes.NewReader(raw))
}

// file writes a file once.
func (a *archiver) file(name string, size int64, content io.Reader) error {
	if a.written[name] {
		return nil
	}
	a.written[name] = true
	if err := a.w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: size}); err != nil {
		return err
	}
	_, err := io.Copy(a.w, content)
	return err
}
