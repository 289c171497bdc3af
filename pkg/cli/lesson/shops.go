package lesson

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	"github.com/shopctl/shopctl/pkg/lesson/verify"
	"github.com/shopctl/shopctl/pkg/rundir"
)

// lessonBooter starts a temporary shop for the test of a lesson: with the command that users run, and with its own
// directories.
type lessonBooter struct {
	now        func() time.Time
	environ    []string
	executable string
}

// testShop is the name of these shops; their directories keep them apart.
const testShop = "lesson-test"

// Boot implements verify.Booter.
func (b lessonBooter) Boot(ctx context.Context, l *lesson.Lesson) (verify.Shop, error) {
	dir, err := os.MkdirTemp("", "shopctl-test-")
	if err != nil {
		return nil, fmt.Errorf("create a directory for the shop: %w", err)
	}
	s := &bootedShop{now: b.now, executable: b.executable, dir: dir, tester: lessonTester(b.environ, l), lesson: l, calls: call.New(call.Config{Now: b.now, Rand: rand.Reader})}
	s.environ = overlay(b.environ,
		"SHOPCTL_RUN_DIR="+filepath.Join(dir, "run"), "SHOPCTL_STATE_DIR="+filepath.Join(dir, "state"),
		"SHOPCTL_NAME=", "SHOPCTL_NAMESPACE=", "SHOPCTL_ONLY=", "SHOPCTL_PORT=", "SHOPCTL_PORT_BASE=")
	if err := s.shopctl(ctx, "up"); err != nil {
		return nil, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	}
	at, err := rundir.Resolve(testShop, s.getenv)
	if err == nil {
		s.client, err = control.Dial(at)
	}
	if err == nil {
		s.token, err = beginSession(ctx, s.client, l)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	}
	return s, nil
}

type bootedShop struct {
	now        func() time.Time
	executable string
	dir        string
	environ    []string
	client     *control.Client
	token      string // of the lesson's session
	calls      *call.Caller
	tester     probe.Tester
	lesson     *lesson.Lesson
}

// Deps implements verify.Shop.
func (s *bootedShop) Deps() lesson.Deps {
	return lesson.Deps{
		Shop: s.client, Caller: lessonCaller{shop: s.client, calls: s.calls},
		Runner: lessonRunner{executable: s.executable, shop: testShop, environ: s.environ, token: s.token},
		Tester: s.tester, Builtin: isBuiltin,
		Now: s.now, Events: lesson.WatchEvents(s.client, s.lesson, s.now),
	}
}

// Close implements verify.Shop.
func (s *bootedShop) Close(ctx context.Context) error {
	errs := []error{s.calls.Close()}
	if s.client != nil {
		errs = append(errs, s.client.Close())
	}
	errs = append(errs, s.shopctl(ctx, "down"), os.RemoveAll(s.dir))
	return errors.Join(errs...)
}

func (s *bootedShop) shopctl(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, s.executable, append([]string{"--name", testShop}, args...)...)
	var out bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, s.environ, &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run shopctl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(out.String()))
	}
	return nil
}

func (s *bootedShop) getenv(key string) string {
	value := ""
	for _, entry := range s.environ {
		if k, v, _ := strings.Cut(entry, "="); k == key {
			value = v
		}
	}
	return value
}

// overlay returns an environment with some variables changed.
func overlay(environ []string, changed ...string) []string {
	out := append([]string{}, environ...)
	return append(out, changed...)
}
