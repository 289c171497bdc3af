package frontend

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed static
var staticFiles embed.FS

// noPicture is shown for a product whose picture the shop does not have.
const noPicture = "/static/img/products/parcel.svg"

// assets are the files that pages refer to, in memory, each with a hash of its content.
type assets struct {
	files map[string]asset // by path below /static/
	css   string           // address of the style sheet, which changes with its content
}

type asset struct {
	content     []byte
	contentType string
	etag        string
}

func loadAssets() (*assets, error) {
	a := &assets{files: map[string]asset{}}
	err := fs.WalkDir(staticFiles, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := staticFiles.ReadFile(name)
		if err != nil {
			return err
		}
		contentType := "image/svg+xml"
		if path.Ext(name) == ".css" {
			contentType = "text/css; charset=utf-8"
		}
		sum := sha256.Sum256(content)
		a.files[strings.TrimPrefix(name, "static/")] = asset{content, contentType, hex.EncodeToString(sum[:8])}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load static files: %w", err)
	}
	a.css = "/static/shop.css?v=" + a.files["shop.css"].etag
	return a, nil
}

// ServeHTTP serves /static/{path...}. The catalog names its pictures *.jpg, as in the contract; the pictures are
// drawings, so these names return SVG.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("path")
	if _, ok := a.files[name]; !ok {
		if base, isJPG := strings.CutSuffix(name, ".jpg"); isJPG {
			name = base + ".svg"
		}
	}
	a.serve(w, r, name)
}

func (a *assets) serve(w http.ResponseWriter, r *http.Request, name string) {
	f, ok := a.files[name]
	if !ok {
		http.Error(w, "404 page not found", http.StatusNotFound)
		return
	}
	header := w.Header()
	header.Set("Content-Type", f.contentType)
	header.Set("Etag", `"`+f.etag+`"`)
	if r.URL.RawQuery == "v="+f.etag {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		header.Set("Cache-Control", "public, max-age=600")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
}

// picture is the address of a product's picture.
func (a *assets) picture(listed string) string {
	base := path.Base(listed)
	name := "img/products/" + strings.TrimSuffix(base, path.Ext(base)) + ".svg"
	if _, ok := a.files[name]; !ok {
		return noPicture
	}
	return "/static/" + name
}
