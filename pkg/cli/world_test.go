package cli

import (
	"bytes"
	"context"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/rundir"
)

var update = flag.Bool("update", false, "write the golden files anew")

// world is a command line with nothing around it but what the test gives it.
type world struct {
	t        *testing.T
	f        *Factory
	env      map[string]string
	out, err bytes.Buffer
}

// testNow is the time in every world.
func testNow() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func newWorld(t *testing.T) *world {
	t.Helper()
	home := t.TempDir()
	w := &world{t: t, env: map[string]string{
		"HOME": home, "SHOPCTL_RUN_DIR": filepath.Join(home, "run"), "SHOPCTL_STATE_DIR": filepath.Join(home, "state"),
	}}
	w.f = &Factory{
		IO:          &IO{In: strings.NewReader(""), Out: &w.out, Err: &w.err},
		Getenv:      func(key string) string { return w.env[key] },
		Now:         testNow,
		Executable:  filepath.Join(home, "shopctl"),
		TakeSignals: func() (<-chan os.Signal, func()) { return nil, func() {} },
	}
	w.f.Dir = resolveDir(w.f)
	w.f.Shop = dialShop(w.f)
	return w
}

// serve puts a daemon behind the default shop's socket.
func (w *world) serve(shop control.Backend) *world {
	w.t.Helper()
	dir, err := rundir.Resolve(defaultName, w.f.Getenv)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := dir.Create(); err != nil {
		w.t.Fatal(err)
	}
	l, err := control.Listen(dir)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	server := control.NewServer(shop, slog.New(slog.DiscardHandler))
	go func() { done <- server.Serve(ctx, l) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("serve: %v", err)
		}
	})
	return w
}

// run runs one command line; the output of earlier ones is forgotten.
func (w *world) run(args ...string) (code int) {
	w.t.Helper()
	w.out.Reset()
	w.err.Reset()
	return Execute(w.t.Context(), w.f, args)
}

// want runs one command line that must exit with code.
func (w *world) want(code int, args ...string) {
	w.t.Helper()
	if got := w.run(args...); got != code {
		w.t.Fatalf("shopctl %s: exit %d, want %d\nstdout:\n%s\nstderr:\n%s", strings.Join(args, " "), got, code, w.out.String(), w.err.String())
	}
}

// golden compares standard output with a file of testdata.
func (w *world) golden(name string) {
	w.t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, w.out.Bytes(), 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	if d := cmp.Diff(string(want), w.out.String()); d != "" {
		w.t.Errorf("%s differs (-want +got); -update writes it anew:\n%s", path, d)
	}
}

// wantErr checks that standard error holds each of the texts.
func (w *world) wantErr(texts ...string) {
	w.t.Helper()
	for _, text := range texts {
		if !strings.Contains(w.err.String(), text) {
			w.t.Errorf("stderr lacks %q:\n%s", text, w.err.String())
		}
	}
}

// wantOut checks that standard output holds each of the texts.
func (w *world) wantOut(texts ...string) {
	w.t.Helper()
	for _, text := range texts {
		if !strings.Contains(w.out.String(), text) {
			w.t.Errorf("stdout lacks %q:\n%s", text, w.out.String())
		}
	}
}
