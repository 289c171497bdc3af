// Package clitest runs command lines in tests: an isolated [World], and shops that respond from memory.
package clitest

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/cli"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/rundir"
)

func WantEqual(t *testing.T, got, want string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

var update = flag.Bool("update", false, "rewrite the golden files")

// World is a command line with nothing around it but what the test gives it.
type World struct {
	t        *testing.T
	F        *cmdutil.Factory
	Env      map[string]string
	Out, Err bytes.Buffer
	open     open
}

// TestNow is the time in every world.
func TestNow() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func NewWorld(t *testing.T) *World {
	t.Helper()
	home := t.TempDir()
	w := &World{t: t, Env: map[string]string{
		"HOME": home, "SHOPCTL_RUN_DIR": filepath.Join(home, "run"), "SHOPCTL_STATE_DIR": filepath.Join(home, "state"),
	}}
	w.F = &cmdutil.Factory{
		IO:          iostreams.New(strings.NewReader(""), &w.Out, &w.Err),
		Getenv:      func(key string) string { return w.Env[key] },
		Now:         TestNow,
		Executable:  filepath.Join(home, "shopctl"),
		Namespace:   func() string { return "" },
		TakeSignals: func() (<-chan os.Signal, func()) { return nil, func() {} },
	}
	w.F.Dir = cmdutil.ResolveDir(w.F.IO, w.F.Getenv)
	w.F.Shop = cmdutil.DialShop(w.F.IO, w.F.Dir, w.F.Getenv)
	return w
}

// Serve puts a daemon behind the default shop's socket.
func (w *World) Serve(shop control.Backend) *World {
	w.t.Helper()
	dir, err := rundir.Resolve(iostreams.DefaultShop, w.F.Getenv)
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
	server := control.NewServer(shop, slog.New(slog.DiscardHandler), grpc.StatsHandler(&w.open))
	go func() { done <- server.Serve(ctx, l) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("serve: %v", err)
		}
	})
	return w
}

// Run runs one command line, and waits until the daemon of Serve is done with its calls, those that it gave up included: the test
// may change what the daemon responds from. The output of earlier command lines is forgotten.
func (w *World) Run(args ...string) (code int) {
	w.t.Helper()
	w.Out.Reset()
	w.Err.Reset()
	code = cli.Execute(w.t.Context(), w.F, args)
	if n := w.open.wait(); n > 0 {
		w.t.Fatalf("shopctl %s has left %d connections and calls to the daemon open", strings.Join(args, " "), n)
	}
	return code
}

// Want runs one command line that must exit with code.
func (w *World) Want(code int, args ...string) {
	w.t.Helper()
	if got := w.Run(args...); got != code {
		w.t.Fatalf("shopctl %s: exit %d, want %d\nstdout:\n%s\nstderr:\n%s", strings.Join(args, " "), got, code, w.Out.String(), w.Err.String())
	}
}

// Golden compares standard output with a file of testdata.
func (w *World) Golden(name string) {
	w.t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, w.Out.Bytes(), 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	if d := cmp.Diff(string(want), w.Out.String()); d != "" {
		w.t.Errorf("%s differs (-want +got); -update rewrites it:\n%s", path, d)
	}
}

// WantErr checks that standard error holds each of the texts.
func (w *World) WantErr(texts ...string) {
	w.t.Helper()
	for _, text := range texts {
		if !strings.Contains(w.Err.String(), text) {
			w.t.Errorf("stderr lacks %q:\n%s", text, w.Err.String())
		}
	}
}

// WantOut checks that standard output holds each of the texts.
func (w *World) WantOut(texts ...string) {
	w.t.Helper()
	for _, text := range texts {
		if !strings.Contains(w.Out.String(), text) {
			w.t.Errorf("stdout lacks %q:\n%s", text, w.Out.String())
		}
	}
}

// Main runs the tests of a package in the time zone UTC. It is not set by time.Local, which timers that packages have started by
// now may be reading.
func Main(m *testing.M) {
	err := os.Setenv("TZ", "UTC")
	if name, offset := TestNow().Local().Zone(); err != nil || name != "UTC" || offset != 0 {
		fmt.Fprintf(os.Stderr, "the tests run in the time zone %s (%v): something has read it before they began\n", name, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
