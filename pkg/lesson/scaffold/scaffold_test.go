package scaffold

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopctl/shopctl/pkg/lesson"
)

func TestANewLessonLacksOnlyWhatItsAuthorMustWrite(t *testing.T) {
	root := t.TempDir()
	written, err := Write(root, "communication", "caching")
	if err != nil {
		t.Fatal(err)
	}
	if len(written) != 3 || written[0] != filepath.Join(root, "communication", "caching", "lesson.md") {
		t.Errorf("written: %q", written)
	}
	all, err := lesson.Load(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || all[0].ID != "caching" || all[0].Track != "communication" {
		t.Fatalf("%d lessons", len(all))
	}
	found := map[string]int{}
	for _, p := range lesson.Lint(all[0], []string{"catalog"}) {
		found[p.Code]++
	}
	if diff := cmp.Diff(map[string]int{"fill-in": 5}, found); diff != "" {
		t.Error(diff)
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	root := t.TempDir()
	if _, err := Write(root, "data", "cache"); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(root, "data", "cache"); !errors.Is(err, ErrExists) {
		t.Errorf("a second time: %v", err)
	}
	for _, slug := range []string{"", "../x", "Big", "a b"} {
		if _, err := Write(root, "data", slug); err == nil {
			t.Errorf("%q was taken for a name", slug)
		}
	}
}
