package lesson

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/pack"
)

// lessonIn reads the only lesson in a directory.
func lessonIn(ctx context.Context, ios *iostreams.IO, dir string) (*lesson.Lesson, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, cmdutil.UsageErr(ios.Command("lesson new communication/caching"), "read %s: no such directory", dir)
	}
	all, err := loadDir(ctx, dir)
	var problems format.Problems
	switch {
	case errors.As(err, &problems):
		for i := range problems {
			problems[i].File = filepath.Join(dir, problems[i].File)
		}
		return nil, cmdutil.HintErr(cmdutil.ExitFailed, ios.Command("lesson lint "+dir), problems)
	case err != nil:
		return nil, err
	case len(all) == 0:
		return nil, cmdutil.UsageErr(ios.Command("lesson new communication/caching"), "there is no lesson.md in %s", dir)
	case len(all) > 1:
		return nil, cmdutil.UsageErr(ios.Command("lesson "+filepath.Join(dir, all[0].Dir())), "there are %d lessons in %s: name one", len(all), dir)
	}
	return all[0], nil
}

// loaded are the lessons of a directory. Like [lesson.Load], they can come with an error.
type loaded struct {
	lessons []*lesson.Lesson
	err     error
}

// loadDir reads all lessons below a directory, and returns those that can be read even with an error. A signal ends it at
// once: a text can be made to take long, and the process ends soon after.
func loadDir(ctx context.Context, dir string) ([]*lesson.Lesson, error) {
	done := make(chan loaded, 1)
	go func() {
		all, err := readDir(ctx, dir)
		done <- loaded{all, err}
	}()
	select {
	case r := <-done:
		return r.lessons, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func readDir(ctx context.Context, dir string) ([]*lesson.Lesson, error) {
	files, err := pack.Open(dir, ctx.Err)
	if err != nil {
		return nil, cmdutil.HintErr(cmdutil.ExitUsage, "make the directory readable: ls -ld "+dir, fmt.Errorf("read lessons: %w", err))
	}
	defer files.Close()
	all, err := lesson.Load(files)
	var refused *pack.RefusedError
	if errors.As(err, &refused) {
		return nil, cmdutil.HintErr(cmdutil.ExitUsage, "ls -l "+filepath.Join(dir, refused.Path), fmt.Errorf("read lessons in %s: %w", dir, refused))
	}
	for _, l := range all {
		origin, originErr := originOf(filepath.Join(dir, filepath.FromSlash(l.Dir())))
		if originErr != nil {
			return nil, fmt.Errorf("read lessons in %s: %w", dir, originErr)
		}
		l.Origin = origin
	}
	return all, err
}

// originOf identifies a directory: two lessons with the same id, of different authors, share neither progress nor files.
func originOf(dir string) (string, error) {
	path, err := filepath.Abs(dir)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(path))
	return hex.EncodeToString(sum[:6]), nil
}

// WorkspaceOwner returns the owner of the workspace that a path without symbolic links lies in, if it is that of a lesson
// by another author; else "".
func WorkspaceOwner(f *cmdutil.Factory, path string) string {
	dir, err := Workspaces(f)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return "" // no lesson was taken yet
	}
	inside, err := filepath.Rel(dir, path)
	if err != nil || !filepath.IsLocal(inside) {
		return ""
	}
	key, _, _ := strings.Cut(filepath.ToSlash(inside), "/")
	if !format.HasOrigin(key) {
		return ""
	}
	return "lesson " + key
}
