package image_test

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/shopctl/shopctl/pkg/image"
	"github.com/shopctl/shopctl/pkg/image/imagetest"
)

var (
	amd64 = image.Platform{OS: "linux", Arch: "amd64"}
	arm64 = image.Platform{OS: "linux", Arch: "arm64"}
)

func program(t *testing.T, p image.Platform) image.Binary {
	t.Helper()
	return image.Binary{Platform: p, Path: imagetest.Program(t, p)}
}

// dynamic makes a note of a program the name of an interpreter, as programs with libraries have.
func dynamic(t *testing.T, b image.Binary) string {
	t.Helper()
	data, err := os.ReadFile(b.Path)
	if err != nil {
		t.Fatal(err)
	}
	const headers, size = 64, 56 // of programs of 64 bits
	for i := range int(binary.LittleEndian.Uint16(data[56:])) {
		if at := data[headers+i*size:]; binary.LittleEndian.Uint32(at) == uint32(elf.PT_NOTE) {
			binary.LittleEndian.PutUint32(at, uint32(elf.PT_INTERP))
		}
	}
	if err := os.WriteFile(b.Path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return b.Path
}

func build(t *testing.T, binaries ...image.Binary) *image.Image {
	t.Helper()
	built, err := image.Build("v1.2.3", binaries...)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func write(t *testing.T, built *image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := built.WriteArchive(&b, "shopctl:"+built.Tag); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// files are those of a tar archive, with their headers.
func files(t *testing.T, r io.Reader) (content map[string][]byte, headers map[string]*tar.Header) {
	t.Helper()
	content, headers = map[string][]byte{}, map[string]*tar.Header{}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return content, headers
		}
		if err != nil {
			t.Fatal(err)
		}
		if headers[h.Name] != nil {
			t.Errorf("%s is there twice", h.Name)
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		content[h.Name], headers[h.Name] = data, h
	}
}

func TestAnImageHoldsTheBinaryAUserAndWhomToTrust(t *testing.T) {
	b := program(t, amd64)
	path := filepath.Join(t.TempDir(), "image.tar")
	built := build(t, b)
	if err := os.WriteFile(path, write(t, built), 0o600); err != nil {
		t.Fatal(err)
	}
	img, err := tarball.ImageFromPath(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if c := config.Config; config.OS+"/"+config.Architecture != "linux/amd64" || c.User != "65532:65532" || !slices.Equal(c.Entrypoint, []string{"/shopctl"}) ||
		c.WorkingDir != "/home/nonroot" || c.Labels["org.opencontainers.image.version"] != "v1.2.3" || !config.Created.IsZero() {
		t.Errorf("the configuration is %+v", config)
	}
	flat := mutate.Extract(img)
	defer flat.Close()
	content, headers := files(t, flat)
	want, err := os.ReadFile(b.Path)
	if err != nil || !bytes.Equal(content["shopctl"], want) || headers["shopctl"].Mode != 0o755 {
		t.Errorf("the binary has %d bytes and mode %o, error %v; want %d", len(content["shopctl"]), headers["shopctl"].Mode, err, len(want))
	}
	if pool := x509.NewCertPool(); !pool.AppendCertsFromPEM(content["etc/ssl/certs/ca-certificates.crt"]) {
		t.Error("there are no certificates of authorities")
	}
	if !strings.Contains(string(content["etc/passwd"]), "nonroot:x:65532:65532:") || headers["home/nonroot"].Uid != 65532 || headers["tmp"].Mode != 0o1777 {
		t.Errorf("the user's files are %v", slices.Sorted(maps.Keys(headers)))
	}
}

func TestEqualBinariesMakeEqualImages(t *testing.T) {
	a, b := program(t, amd64), program(t, amd64) // in two directories, at two times
	if one, two := write(t, build(t, a)), write(t, build(t, b)); !bytes.Equal(one, two) {
		t.Errorf("two archives of %d and %d bytes differ", len(one), len(two))
	}
	if err := os.WriteFile(b.Path, []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if one, two := build(t, a).Tag, build(t, b).Tag; one == two || len(one) != 12 {
		t.Errorf("the tags of different images are %q and %q", one, two)
	}
}

func TestAnArchiveIsReadByDockersAndByOCIsFormat(t *testing.T) {
	built := build(t, program(t, amd64), program(t, arm64))
	content, _ := files(t, bytes.NewReader(write(t, built)))
	var docker []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if err := json.Unmarshal(content["manifest.json"], &docker); err != nil || len(docker) != 1 || docker[0].RepoTags[0] != "shopctl:"+built.Tag {
		t.Fatalf("docker's manifest is %s, error %v", content["manifest.json"], err)
	}
	for _, name := range append(docker[0].Layers, docker[0].Config) {
		if content[name] == nil {
			t.Errorf("docker's manifest names %s, which is not there", name)
		}
	}
	blob := func(d v1.Descriptor, into any) {
		data := content["blobs/sha256/"+d.Digest.Hex]
		if err := json.Unmarshal(data, into); err != nil || int64(len(data)) != d.Size {
			t.Fatalf("%s has %d bytes, error %v; want %d", d.Digest, len(data), err, d.Size)
		}
	}
	var top, index v1.IndexManifest
	if err := json.Unmarshal(content["index.json"], &top); err != nil || len(top.Manifests) != 1 {
		t.Fatalf("index.json is %s, error %v", content["index.json"], err)
	}
	if got := top.Manifests[0].Annotations["io.containerd.image.name"]; got != "docker.io/library/shopctl:"+built.Tag {
		t.Errorf("containerd keeps it as %q", got)
	}
	blob(top.Manifests[0], &index)
	var platforms []string
	for _, m := range index.Manifests {
		var manifest v1.Manifest
		blob(m, &manifest)
		for _, l := range append(manifest.Layers, manifest.Config) {
			if n := len(content["blobs/sha256/"+l.Digest.Hex]); int64(n) != l.Size {
				t.Errorf("%s has %d bytes, want %d", l.Digest, n, l.Size)
			}
		}
		platforms = append(platforms, m.Platform.String())
	}
	if got := strings.Join(platforms, " "); got != "linux/amd64 linux/arm64" {
		t.Errorf("the platforms are %s", got)
	}
}

func TestAPushedImageIsTheOneThatWasBuilt(t *testing.T) {
	server := httptest.NewServer(registry.New())
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	for _, built := range []*image.Image{build(t, program(t, amd64)), build(t, program(t, amd64), program(t, arm64))} {
		reference, err := built.Reference(host + "/learn/shopctl")
		if err != nil {
			t.Fatal(err)
		}
		if err := built.Push(t.Context(), reference); err != nil {
			t.Fatal(err)
		}
		tag, err := name.NewTag(reference)
		if err != nil {
			t.Fatal(err)
		}
		got, err := remote.Get(tag)
		if want, _ := built.Digest(); err != nil || got.Digest.String() != want {
			t.Errorf("the registry has %v, error %v; want %s", got, err, want)
		}
	}
	if err := build(t, program(t, amd64)).Push(t.Context(), host+"/UPPER:x"); err == nil {
		t.Error("a reference in upper case was pushed")
	}
}

func TestAReferenceGetsATagThatMeansOneImage(t *testing.T) {
	built := &image.Image{Tag: "0123456789ab"}
	for named, want := range map[string]string{
		"": "shopctl:0123456789ab", "shop": "shop:0123456789ab", "shop:v2": "shop:v2",
		"localhost:5000/shop": "localhost:5000/shop:0123456789ab", "localhost:5000/shop:v2": "localhost:5000/shop:v2",
		"shop:latest": "the tag latest", "shop@sha256:00": "has a digest", "Shop": "Shop",
	} {
		got, err := built.Reference(named)
		if err != nil {
			got = err.Error()
		}
		if err == nil && got != want || err != nil && !strings.Contains(got, want) {
			t.Errorf("%q is %q, want %q", named, got, want)
		}
	}
}

func TestOnlyStaticProgramsOfThePlatformMakeAnImage(t *testing.T) {
	b := program(t, amd64)
	text := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		p    image.Platform
		want string
	}{
		{b.Path, amd64, ""},
		{b.Path, arm64, "another architecture than arm64: X86_64"},
		{text, amd64, "is not a program for Linux"},
		{dynamic(t, program(t, amd64)), amd64, "CGO_ENABLED=0"},
		{filepath.Join(t.TempDir(), "none"), amd64, "no such file"},
	} {
		err := image.Check(c.path, c.p)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s for %s: %v, want %q", c.path, c.p, err, c.want)
		}
	}
	for _, s := range []string{"darwin/arm64", "linux/386", "linux", "", "windows/amd64"} {
		if p, err := image.ParsePlatform(s); err == nil {
			t.Errorf("%q is %s", s, p)
		}
	}
}
