// Package gotest runs the Go tests that a learner writes, as go test does, but without the network: modules that are
// not on the machine are not fetched, and no proxy is passed on.
package gotest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/shopctl/shopctl/pkg/lesson/probe"
)

// Runner runs tests. A directory whose files have not changed is not tested again: checks run once a second, and a build
// takes longer. It is safe for concurrent use; one test runs at a time.
type Runner struct {
	// Environ is the environment of the tests, of which only what builds need is passed on.
	Environ []string
	// LookPath finds the go command, as exec.LookPath does.
	LookPath func(name string) (string, error)

	mu   sync.Mutex
	last map[probe.TestRun]result
}

type result struct {
	hash string
	out  string
	ok   bool
}

const (
	maxOutput = 64 << 10
	maxFiles  = 2000
	maxBytes  = 32 << 20
	// endTime is how long the tests may take to end once they are signaled.
	endTime = 2 * time.Second
)

// Test implements probe.Tester.
func (r *Runner) Test(ctx context.Context, t probe.TestRun) (out string, ok bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	hash, err := hashOf(t.Dir)
	if err != nil {
		return "", false, err
	}
	if known, ok := r.last[t]; ok && known.hash == hash {
		return known.out, known.ok, nil
	}
	out, ok, err = r.run(ctx, t)
	if err != nil {
		return "", false, err
	}
	if r.last == nil {
		r.last = map[probe.TestRun]result{}
	}
	r.last[t] = result{hash, out, ok}
	return out, ok, nil
}

func (r *Runner) run(ctx context.Context, t probe.TestRun) (string, bool, error) {
	command, err := r.LookPath("go")
	if err != nil {
		return "", false, errors.New("run the tests: there is no go command on this machine; install Go, https://go.dev/dl")
	}
	limited, cancel := context.WithTimeout(ctx, t.Limit)
	defer cancel()
	args := []string{"test", "-count=1"}
	if t.Run != "" {
		args = append(args, "-run", t.Run)
	}
	var b bounded
	cmd := exec.CommandContext(limited, command, append(args, "./...")...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = t.Dir, r.environ(), &b, &b
	// The tests are children of the go command: the whole group ends, or they would live on.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = endTime
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", false, ctx.Err()
	case limited.Err() != nil:
		return fmt.Sprintf("panic: the tests did not end in %s\n%s", t.Limit, b.String()), false, nil
	case errors.As(err, &exit):
		return b.String(), false, nil
	case err != nil:
		return "", false, fmt.Errorf("run go test: %w", err)
	}
	return b.String(), true, nil
}

// passed are the variables that a build needs.
var passed = [...]string{"PATH", "HOME", "TMPDIR", "GOROOT", "GOPATH", "GOCACHE", "GOMODCACHE", "XDG_CACHE_HOME", "LANG"}

// environ leaves out every variable that leads to the network.
func (r *Runner) environ() []string {
	var env []string
	for _, entry := range r.Environ {
		if name, _, _ := strings.Cut(entry, "="); slices.Contains(passed[:], name) {
			env = append(env, entry)
		}
	}
	return append(env, "GOPROXY=off", "GOSUMDB=off", "GOVCS=*:off", "GOTOOLCHAIN=local", "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0")
}

// hashOf changes with every change of a file below a directory.
func hashOf(dir string) (string, error) {
	h := sha256.New()
	files, size := 0, int64(0)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close() // was read only
		fmt.Fprintf(h, "%s\x00", path)
		n, err := io.Copy(h, io.LimitReader(f, maxBytes))
		files, size = files+1, size+n
		if files > maxFiles || size > maxBytes {
			return fmt.Errorf("%s has too many or too large files for the tests of a lesson", dir)
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read the tests: %w", err)
	}
	return string(h.Sum(nil)), nil
}

// bounded keeps the beginning of the output.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if room := maxOutput - b.Len(); room > 0 {
		b.Buffer.Write(p[:min(len(p), room)])
	}
	return len(p), nil
}
