package lesson

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/verify"
)

// selection narrows down which of the chosen lessons are verified.
type selection struct {
	since string // a git revision; empty: all
	shard string // "2/3"; empty: all
}

// apply returns the lessons that remain. One that cannot be read always does.
func (s selection) apply(ctx context.Context, f *cmdutil.Factory, chosen []chosenLesson) ([]chosenLesson, error) {
	index, count, err := s.parseShard(f)
	if err != nil {
		return nil, err
	}
	if s.since != "" {
		changed, err := changedSince(ctx, f, s.since)
		if err != nil {
			return nil, err
		}
		chosen = slices.DeleteFunc(chosen, func(c chosenLesson) bool { return c.load == nil && !changed.selects(c.dir) })
	}
	if count == 1 {
		return chosen, nil
	}
	var readable []*lesson.Lesson
	for _, c := range chosen {
		if c.load == nil {
			readable = append(readable, c.lesson)
		}
	}
	mine := verify.Shard(readable, index, count)
	return slices.DeleteFunc(chosen, func(c chosenLesson) bool { return c.load == nil && !slices.Contains(mine, c.lesson) }), nil
}

// maxShards bounds the number of parts.
const maxShards = 100

func (s selection) parseShard(f *cmdutil.Factory) (index, count int, err error) {
	if s.shard == "" {
		return 1, 1, nil
	}
	first, second, ok := strings.Cut(s.shard, "/")
	index, err = strconv.Atoi(first)
	count, countErr := strconv.Atoi(second)
	if !ok || err != nil || countErr != nil || count < 1 || count > maxShards || index < 1 || index > count {
		return 0, 0, cmdutil.UsageErr(f.IO.Command("lesson test --shard 1/3"), "--shard %q: want PART/PARTS, such as 2/3", s.shard)
	}
	return index, count, nil
}

// changes are the files that changed in a git repository.
type changes struct {
	root  string
	files []string // relative to root, with slashes
}

// changedSince returns what differs from a revision in the repository around the working directory, committed or not.
func changedSince(ctx context.Context, f *cmdutil.Factory, revision string) (changes, error) {
	root, err := git(ctx, f, ".", "rev-parse", "--show-toplevel")
	if err != nil {
		return changes{}, cmdutil.HintErr(cmdutil.ExitUsage, "run it within the repository of the lessons", fmt.Errorf("--changed-since: %w", err))
	}
	c := changes{root: strings.TrimSpace(root)}
	differ, err := git(ctx, f, c.root, "diff", "--name-only", "-z", "--no-renames", "--end-of-options", revision)
	if err != nil {
		return changes{}, cmdutil.HintErr(cmdutil.ExitUsage, f.IO.Command("lesson test --changed-since HEAD~1"), fmt.Errorf("--changed-since %s: %w", revision, err))
	}
	untracked, err := git(ctx, f, c.root, "ls-files", "-z", "--others", "--exclude-standard")
	if err != nil {
		return changes{}, fmt.Errorf("--changed-since %s: %w", revision, err)
	}
	c.files = strings.FieldsFunc(differ+untracked, func(r rune) bool { return r == 0 })
	return c, nil
}

func git(ctx context.Context, f *cmdutil.Factory, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env = dir, f.Environ
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		if text, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n"); text != "" {
			err = errors.New(text)
		}
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return out.String(), nil
}

// selects reports whether the lesson in a directory must be verified again: one of its files changed, or the program
// that runs it.
func (c changes) selects(dir string) bool {
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(c.root, filepath.FromSlash(dir))
	}
	return slices.ContainsFunc(c.files, func(file string) bool {
		rel, err := filepath.Rel(dir, filepath.Join(c.root, filepath.FromSlash(file)))
		return err == nil && filepath.IsLocal(rel) || ofProgram(file)
	})
}

// ofProgram reports whether a file becomes part of shopctl: code, modules, contracts and manifests, but neither tests
// nor documents.
func ofProgram(file string) bool {
	top, _, _ := strings.Cut(file, "/")
	switch {
	case file == "go.mod", file == "go.sum":
		return true
	case !slices.Contains([]string{"cmd", "pkg", "services"}, top):
		return false
	}
	ext := path.Ext(file)
	return slices.Contains([]string{".go", ".yaml", ".proto", ".json"}, ext) && !strings.HasSuffix(file, "_test.go") && !strings.Contains(file, "/testdata/")
}
