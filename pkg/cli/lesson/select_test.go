package lesson_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	lessoncmd "github.com/shopctl/shopctl/pkg/cli/lesson"
)

// repository is a git repository with one commit, in which files can be changed.
type repository struct {
	t   *testing.T
	dir string
}

func newRepository(t *testing.T) repository {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := repository{t, dir}
	for _, file := range []string{"README.md", "go.mod", "pkg/a/a.go", "pkg/a/a_test.go", "lessons/start/tour/lesson.md", "lessons/communication/grpc/lesson.md"} {
		r.write(file, "first")
	}
	r.git("init", "-q")
	r.commit()
	return r
}

func (r repository) write(file, text string) {
	r.t.Helper()
	file = filepath.Join(r.dir, filepath.FromSlash(file))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r repository) git(args ...string) {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
	cmd.Dir = r.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("git %v: %v: %s", args, err, out)
	}
}

func (r repository) commit() {
	r.t.Helper()
	r.git("add", "-A")
	r.git("commit", "-q", "-m", "change")
}

// selected are the lessons of our own that changed since a revision.
func (r repository) selected(since string) []string {
	r.t.Helper()
	r.t.Chdir(r.dir)
	w := clitest.NewWorld(r.t)
	ids, err := lessoncmd.Selected(r.t.Context(), w.F, since, "")
	if err != nil {
		r.t.Fatal(err)
	}
	return ids
}

func TestChangedLessonsAreSelected(t *testing.T) {
	r := newRepository(t)
	if got := r.selected("HEAD"); len(got) != 0 {
		t.Errorf("nothing changed: %q", got)
	}
	r.write("README.md", "second")
	r.write("pkg/a/a_test.go", "second")
	r.write("lessons/start/tour/lesson.md", "second")
	if got := r.selected("HEAD"); !slices.Equal(got, []string{"tour"}) {
		t.Errorf("a lesson, a test and a document changed: %q", got)
	}
	r.commit()
	r.write("lessons/communication/grpc/testdata/alt-new.txtar", "new")
	if got := r.selected("HEAD"); !slices.Equal(got, []string{"grpc"}) {
		t.Errorf("a file is new: %q", got)
	}
	if got := r.selected("HEAD~1"); !slices.Equal(got, []string{"tour", "grpc"}) {
		t.Errorf("since the commit before: %q", got)
	}
	r.write("pkg/a/a.go", "second")
	if got := r.selected("HEAD"); len(got) < 11 {
		t.Errorf("the program changed: %q", got)
	}
}

func TestSelectionsThatCannotBeMadeSayWhatHelps(t *testing.T) {
	r := newRepository(t)
	t.Chdir(r.dir)
	w := clitest.NewWorld(t)
	for _, c := range []struct{ since, shard, want string }{
		{"no-such-branch", "", "--changed-since no-such-branch: git diff: "},
		{"--output=x", "", "--changed-since --output=x: git diff: "},
		{"", "0/3", `--shard "0/3": want PART/PARTS, such as 2/3`},
		{"", "4/3", "--shard"},
		{"", "half", "--shard"},
	} {
		if _, err := lessoncmd.Selected(t.Context(), w.F, c.since, c.shard); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("since %q, shard %q: %v", c.since, c.shard, err)
		}
	}
	t.Chdir(t.TempDir())
	if _, err := lessoncmd.Selected(t.Context(), w.F, "HEAD", ""); err == nil || !strings.Contains(err.Error(), "--changed-since: git rev-parse: ") {
		t.Errorf("outside of a repository: %v", err)
	}
}

func TestTheShardsOfAllLessonsHoldEachOnce(t *testing.T) {
	w := clitest.NewWorld(t)
	var all []string
	for _, shard := range []string{"1/3", "2/3", "3/3"} {
		ids, err := lessoncmd.Selected(t.Context(), w.F, "", shard)
		if err != nil || len(ids) == 0 {
			t.Errorf("%s: %q, %v", shard, ids, err)
		}
		all = append(all, ids...)
	}
	want := curriculum(t)
	slices.Sort(all)
	slices.Sort(want)
	if !slices.Equal(all, want) {
		t.Errorf("the shards hold %q", all)
	}
}
