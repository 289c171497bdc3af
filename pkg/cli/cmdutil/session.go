package cmdutil

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Variables of the commands that a lesson by another author runs.
const (
	// SessionEnv has the token of the lesson's session.
	SessionEnv = "SHOPCTL_LESSON_SESSION"
	// WorkspaceEnv is the only directory that the lesson's commands read files from.
	WorkspaceEnv = "SHOPCTL_LESSON_WORKSPACE"
)

// ErrForeign is the reason why a command of a lesson by another author is refused.
var ErrForeign = errors.New("a lesson by another author cannot do this")

// ForeignErr is the error of a command that a lesson by another author cannot run.
func ForeignErr(format string, args ...any) error {
	return HintErr(ExitUsage, "run it yourself in another terminal, if you trust the lesson's author", fmt.Errorf("%w: "+format, append([]any{ErrForeign}, args...)...))
}

// Foreign reports whether a lesson by another author runs this command.
func (f *Factory) Foreign() bool { return f.Getenv(SessionEnv) != "" }

// CheckFile returns an error for a file that the command may not read: one outside of the workspace, if a lesson by
// another author runs it.
func (f *Factory) CheckFile(path string) error {
	if !f.Foreign() {
		return nil
	}
	place, err := realPath(path)
	var info fs.FileInfo
	if err == nil {
		info, err = os.Stat(place)
	}
	if err != nil {
		return HintErr(ExitUsage, "name a file of the lesson", fmt.Errorf("read %s: %w", path, err))
	}
	workspace, err := realPath(f.Getenv(WorkspaceEnv))
	if err != nil {
		return HintErr(ExitEnvironment, "take the lesson again", fmt.Errorf("find the lesson's files: %w", err))
	}
	if inside, err := filepath.Rel(workspace, place); err != nil || !filepath.IsLocal(inside) {
		return ForeignErr("%s is not one of the lesson's files, which are in %s", path, workspace)
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return ForeignErr("%s is not a regular file", path)
	}
	return nil
}

// realPath is the absolute path without symbolic links.
func realPath(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}

// ConnectFor connects to the daemon for a command that applies files. If one of them belongs to a lesson by another
// author, the calls can do no more than such a lesson may. The function that it returns ends the connection.
func (f *Factory) ConnectFor(ctx context.Context, paths []string) (*control.Client, func() error, error) {
	shop, err := f.Shop(ctx)
	if err != nil {
		return nil, nil, err
	}
	owner := f.foreignOwner(paths)
	if owner == "" || f.Foreign() {
		return shop, shop.Close, nil
	}
	limited, token, err := f.limited(ctx, shop, owner)
	if err != nil {
		return nil, nil, errors.Join(err, shop.Close())
	}
	return limited, func() error {
		_, err := shop.EndSession(context.WithoutCancel(ctx), &controlpb.EndSessionRequest{Token: token})
		return errors.Join(err, limited.Close(), shop.Close())
	}, nil
}

func (f *Factory) limited(ctx context.Context, shop *control.Client, owner string) (*control.Client, string, error) {
	begun, err := shop.BeginSession(ctx, &controlpb.BeginSessionRequest{Owner: owner})
	if err != nil {
		return nil, "", err
	}
	dir, err := f.Dir()
	if err != nil {
		return nil, "", err
	}
	limited, err := control.DialSession(dir, begun.GetToken())
	return limited, begun.GetToken(), err
}

// foreignOwner is the lesson by another author that one of the paths belongs to, or the working directory if it is
// standard input; "" if there is none.
func (f *Factory) foreignOwner(paths []string) string {
	if f.LessonOf == nil {
		return ""
	}
	for _, path := range paths {
		if path == "-" {
			path = "."
		}
		if place, err := realPath(path); err == nil {
			if owner := f.LessonOf(place); owner != "" {
				return owner
			}
		}
	}
	return ""
}
