package restore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/lessontest"
	"github.com/shopctl/shopctl/pkg/lesson/restore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// everything is a lesson that has all undone.
func everything() *format.Lesson {
	return &format.Lesson{Front: format.Front{ID: "sample", Rollback: []format.Rollback{format.RollbackFaults, format.RollbackObjects}}}
}

func open(t *testing.T, shop restore.Shop, dir string) *restore.Journal {
	t.Helper()
	j, err := restore.Open(t.Context(), restore.Config{Shop: shop, Dir: dir, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// record opens a journal in a directory of its own and records the shop.
func record(t *testing.T, shop restore.Shop, l *format.Lesson) *restore.Journal {
	t.Helper()
	j := open(t, shop, t.TempDir())
	if err := j.Record(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	return j
}

func rollback(t *testing.T, j *restore.Journal) {
	t.Helper()
	if err := errors.Join(j.Rollback(t.Context()), j.RollbackLoad(t.Context())); err != nil {
		t.Fatal(err)
	}
}

func TestARollbackRestoresNoMoreThanItsLessonSays(t *testing.T) {
	shop := lessontest.New(time.Now)
	shop.Inject("cli", time.Second)
	j := record(t, shop, &format.Lesson{Trusted: true, Front: format.Front{ID: "sample", Rollback: []format.Rollback{format.RollbackFaults}}})
	shop.Inject("lesson sample", time.Second)
	shop.Put("ConfigMap", "settings", `{"kind":"ConfigMap","metadata":{"name":"settings"}}`)
	rollback(t, j)
	if f := shop.Faults(); len(f) != 1 {
		t.Errorf("faults: %q", f)
	}
	if shop.Object("ConfigMap", "settings") == "" {
		t.Error("an object was deleted by a lesson that does not restore objects")
	}
}

func TestALessonByAnotherAuthorIsUndoneWholeWhateverItSays(t *testing.T) {
	shop := lessontest.New(time.Now)
	before := shop.Object("Deployment", "productcatalogservice")
	j := record(t, shop, &format.Lesson{Origin: "elsewhere", Front: format.Front{ID: "sample"}})
	shop.Inject("lesson sample", time.Second)
	shop.Put("ConfigMap", "settings", `{"kind":"ConfigMap","metadata":{"name":"settings"}}`)
	shop.Put("Deployment", "productcatalogservice", strings.Replace(before, `"replicas":1`, `"replicas":0`, 1))
	rollback(t, j)
	if f := shop.Faults(); len(f) != 0 {
		t.Errorf("faults: %q", f)
	}
	if shop.Object("ConfigMap", "settings") != "" {
		t.Error("an object that the lesson created stays")
	}
	if got := shop.Object("Deployment", "productcatalogservice"); !strings.Contains(got, `"replicas":1`) {
		t.Errorf("a stopped service stays stopped: %s", got)
	}
}

func TestAJournalThatWasNotRecordedRestoresNothing(t *testing.T) {
	shop := lessontest.New(time.Now)
	shop.Inject("cli", time.Second)
	rollback(t, open(t, shop, t.TempDir()))
	if len(shop.Faults()) != 1 {
		t.Error("a fault was cleared")
	}
}

func TestTheNextJournalRecoversWhatTheLastOneLeft(t *testing.T) {
	shop, dir := lessontest.New(time.Now), t.TempDir()
	before := shop.Object("Deployment", "productcatalogservice")
	first := open(t, shop, dir)
	if err := first.Record(t.Context(), everything()); err != nil {
		t.Fatal(err)
	}
	if _, err := restore.Open(t.Context(), restore.Config{Shop: shop, Dir: dir, Now: time.Now}); !errors.Is(err, restore.ErrBusy) {
		t.Errorf("a second journal: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open(t, shop, dir)
	if left, err := second.Recover(t.Context()); left != "sample" || err != nil {
		t.Errorf("recovered %q, %v", left, err)
	}
	if shop.Object("Deployment", "productcatalogservice") != before {
		t.Error("an unchanged object was applied again")
	}
	if left, err := second.Recover(t.Context()); left != "" || err != nil {
		t.Errorf("recovered %q twice, %v", left, err)
	}
}

func TestAJournalThatCannotBeReadIsRemoved(t *testing.T) {
	shop, dir := lessontest.New(time.Now), t.TempDir()
	file := filepath.Join(dir, ".before-test.json")
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if left, err := open(t, shop, dir).Recover(t.Context()); left != "" || err != nil {
		t.Errorf("recovered %q, %v", left, err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the file stays")
	}
}

func TestAShopThatJoinedTheMeshInALessonLeavesIt(t *testing.T) {
	const outside = `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"production"}}`
	shop := lessontest.New(time.Now)
	shop.Put("Namespace", "production", outside)
	j := record(t, shop, everything())
	shop.Put("VirtualService", "catalog", `{"apiVersion":"networking.istio.io/v1","kind":"VirtualService","metadata":{"name":"catalog"},"spec":{"hosts":["productcatalogservice"]}}`)
	shop.Put("Namespace", "production", strings.Replace(outside, `"name"`, `"labels":{"istio-injection":"enabled"},"name"`, 1))
	rollback(t, j)
	if got := shop.Object("Namespace", "production"); got == "" || strings.Contains(got, "istio-injection") {
		t.Errorf("the namespace is %q", got)
	}
	if shop.Object("VirtualService", "catalog") != "" {
		t.Error("an object that the lesson created stays")
	}
}
