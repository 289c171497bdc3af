package lesson

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/gotest"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	lessonprogress "github.com/shopctl/shopctl/pkg/lesson/progress"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/services"
)

// lessonDeps returns the dependencies of a session on a shop; done releases them.
func lessonDeps(ctx context.Context, f *cmdutil.Factory, shop *control.Client, l *lesson.Lesson) (d lesson.Deps, done func(), err error) {
	store, dir, err := lessonProgress(f)
	if err != nil {
		return lesson.Deps{}, nil, err
	}
	token, err := beginSession(ctx, shop, l)
	if err != nil {
		return lesson.Deps{}, nil, err
	}
	caller := call.New(call.Config{Now: f.Now, Rand: rand.Reader})
	d = lesson.Deps{
		Shop: shop, Caller: lessonCaller{shop: shop, calls: caller},
		Runner: lessonRunner{executable: f.Executable, shop: f.IO.ShopName, environ: f.Environ, token: token},
		Tester: lessonTester(f.Environ, l), Builtin: isBuiltin,
		Progress: store, Workspace: filepath.Join(dir, l.Key()), Now: f.Now,
		Events: lesson.WatchEvents(shop, l, f.Now),
	}
	return d, func() {
		caller.Close()
		// The daemon may be gone, and the session with it.
		_ = endSession(context.WithoutCancel(ctx), shop, token)
	}, nil
}

// lessonTester runs the learner's tests, only for trusted lessons.
func lessonTester(environ []string, l *lesson.Lesson) probe.Tester {
	if !l.Trusted {
		return nil
	}
	return &gotest.Runner{Environ: environ, LookPath: exec.LookPath}
}

// lessonProgress returns the store of the progress, and the directory of the lessons' workspaces. Both belong to the
// user and not to one shop. Their names have a dot, which the names of shops cannot have.
func lessonProgress(f *cmdutil.Factory) (store *lessonprogress.Store, workspaces string, err error) {
	dir, err := f.Dir()
	if err != nil {
		return nil, "", err
	}
	base := filepath.Dir(dir.State)
	return lessonprogress.New(filepath.Join(base, "progress.json"), f.Now), filepath.Join(base, "lessons.d"), nil
}

// Workspaces is the directory of the lessons' workspaces.
func Workspaces(f *cmdutil.Factory) (string, error) {
	_, dir, err := lessonProgress(f)
	return dir, err
}

// lessonCaller calls the shop's services for checks.
type lessonCaller struct {
	shop  controlpb.ShopClient
	calls *call.Caller
}

// Call implements probe.Caller.
func (c lessonCaller) Call(ctx context.Context, r probe.Call) (probe.Reply, error) {
	st, err := c.shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return probe.Reply{}, fmt.Errorf("read the shop's state: %w", err)
	}
	s, err := cmdutil.FindService(st, "", r.Service)
	if err != nil {
		return probe.Reply{}, &probe.Refused{Text: err.Error()}
	}
	if s.GetReady() == 0 || s.GetAddress() == "" {
		return probe.Reply{Code: codes.Unavailable, Message: fmt.Sprintf("no instance is ready (%s)", s.GetState())}, nil
	}
	target := call.Target{Name: s.GetName(), Addr: s.GetAddress(), Files: call.ProtoFile(r.Proto)}
	if b, ok := services.Lookup(s.GetName()); ok {
		target.GRPC = b.GRPC
	}
	result, err := c.calls.Invoke(ctx, call.Request{
		Target: target, Method: r.Method, Messages: bytes.NewReader(r.Request), Headers: r.Headers, Deadline: r.Deadline,
	})
	var invalid *call.Invalid
	if errors.As(err, &invalid) {
		return probe.Reply{}, &probe.Refused{Text: invalid.Text}
	}
	if err != nil {
		return probe.Reply{}, err
	}
	reply := probe.Reply{Code: result.Status.Code(), Message: result.Status.Message(), Took: result.Duration}
	if len(result.Messages) > 0 {
		reply.Response = result.Messages[0]
	}
	return reply, nil
}
