package image

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

const (
	binaryPath = "/shopctl"
	home       = "/home/nonroot"
)

// entry is a file of a layer, or with a name that ends in / a directory.
type entry struct {
	name string
	mode int64
	uid  int
	data []byte
}

// baseLayer is what every binary finds: the user, whom to trust on the Internet, and where to write.
func baseLayer() (v1.Layer, error) {
	data, err := archive(
		entry{"etc/", 0o755, 0, nil},
		entry{"etc/group", 0o644, 0, fmt.Appendf(nil, "root:x:0:\nnonroot:x:%d:\n", User)},
		entry{"etc/passwd", 0o644, 0, fmt.Appendf(nil, "root:x:0:0:root:/:/\nnonroot:x:%d:%d:nonroot:%s:/\n", User, User, home)},
		entry{"etc/ssl/", 0o755, 0, nil},
		entry{"etc/ssl/certs/", 0o755, 0, nil},
		entry{"etc/ssl/certs/ca-certificates.crt", 0o644, 0, authorities()},
		entry{"home/", 0o755, 0, nil},
		entry{strings.TrimPrefix(home, "/") + "/", 0o700, User, nil},
		entry{"tmp/", 0o1777, 0, nil},
	)
	if err != nil {
		return nil, err
	}
	return layer(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil })
}

// authorities are the certificates that Mozilla trusts, in PEM. Those that it trusts only for some certificates are left out,
// since a file of certificates cannot say so.
func authorities() []byte {
	var all bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&all, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a buffer takes everything
		}
	}
	return all.Bytes()
}

// binaryLayer is the program alone.
func binaryLayer(file string) (v1.Layer, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	packed, err := archive(entry{path.Base(binaryPath), 0o755, 0, data})
	if err != nil {
		return nil, err
	}
	return layer(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed)), nil })
}

// archive packs entries without a time.
func archive(entries ...entry) ([]byte, error) {
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	for _, e := range entries {
		kind := byte(tar.TypeReg)
		if strings.HasSuffix(e.name, "/") {
			kind = tar.TypeDir
		}
		h := &tar.Header{Typeflag: kind, Name: e.name, Mode: e.mode, Uid: e.uid, Gid: e.uid, Size: int64(len(e.data)), Format: tar.FormatPAX}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(e.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

// layer compresses an archive once and keeps the result.
func layer(open tarball.Opener) (v1.Layer, error) {
	return tarball.LayerFromOpener(open, tarball.WithCompressedCaching, tarball.WithMediaType(types.OCILayer))
}
