package lesson_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/shopctl/shopctl/pkg/lesson"
)

// The guide for authors writes a lesson piece by piece. Put together, the pieces are one that lint has
// nothing to say to.
func TestTheLessonOfTheGuideIsSound(t *testing.T) {
	guide, err := os.ReadFile("../../docs/writing-lessons.md")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, m := range regexp.MustCompile("(?ms)^````\\w+ (\\S+)\n(.*?)^````$").FindAllStringSubmatch(string(guide), -1) {
		files[m[1]] += m[2]
	}
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys["resilience/slow-payment/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	all, err := lesson.Load(fsys)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d lessons: %v", len(all), err)
	}
	if found := lesson.Lint(all[0], []string{"checkout", "payment", "frontend", "catalog"}); len(found) > 0 {
		t.Error(found)
	}
	if n := len(all[0].Steps[0].Checks()); n != 6 || !strings.Contains(files["testdata/solution.txtar"], "expect books pass") {
		t.Errorf("%d checks", n)
	}
}
