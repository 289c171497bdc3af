package progress

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func newStore(t *testing.T) *Store {
	t.Helper()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return New(filepath.Join(t.TempDir(), "state", "progress.json"), func() time.Time { return now })
}

func TestProgressIsWrittenAndReadAgain(t *testing.T) {
	s := newStore(t)
	right := true
	if _, err := s.Save("grpc", &Lesson{Status: Started, Step: "deadline", Steps: map[string]*Step{"deadline": {Prediction: "a", Confidence: "sure", Predicted: &right}}}); err != nil {
		t.Fatal(err)
	}
	f, aside, err := s.Read()
	if err != nil || aside != "" {
		t.Fatal(aside, err)
	}
	step := f.Lessons["grpc"].Steps["deadline"]
	if f.Version != Version || step.Confidence != "sure" || !*step.Predicted {
		t.Errorf("%+v", step)
	}
	info, err := os.Stat(s.Path())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestAnUnreadableFileIsSetAsideAndNotOverwritten(t *testing.T) {
	s := newStore(t)
	if err := os.MkdirAll(filepath.Dir(s.Path()), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.Path(), []byte(`{"version": 1, "les`), 0o600); err != nil {
		t.Fatal(err)
	}
	aside, err := s.Save("grpc", &Lesson{Status: Started})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(aside)
	if err != nil || !strings.HasPrefix(string(kept), `{"version": 1, "les`) {
		t.Errorf("set aside at %q: %q, %v", aside, kept, err)
	}
	if f, _, err := s.Read(); err != nil || f.Lessons["grpc"] == nil {
		t.Errorf("progress after that: %v, %v", f, err)
	}
}

func TestANewerFileIsLeftAlone(t *testing.T) {
	s := newStore(t)
	if err := os.MkdirAll(filepath.Dir(s.Path()), 0o700); err != nil {
		t.Fatal(err)
	}
	const newer = `{"version": 99, "lessons": {}}`
	if err := os.WriteFile(s.Path(), []byte(newer), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Save("grpc", &Lesson{}); err == nil || !strings.Contains(err.Error(), "version 99") {
		t.Errorf("got %v", err)
	}
	if raw, err := os.ReadFile(s.Path()); err != nil || string(raw) != newer {
		t.Errorf("the file is now %q, %v", raw, err)
	}
}

func TestAnOldFileIsBroughtUpToDateAndKept(t *testing.T) {
	s := newStore(t)
	if err := os.MkdirAll(filepath.Dir(s.Path()), 0o700); err != nil {
		t.Fatal(err)
	}
	const old = `{"version": 1, "lessons": {"grpc": {"status": "done", "steps": {"a": {"attempts": 3}}, "review": {"code": "2026-01-03T00:00:00Z"}}}}`
	if err := os.WriteFile(s.Path(), []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Save("rest", &Lesson{}); err != nil {
		t.Fatal(err)
	}
	f, aside, err := s.Read()
	if err != nil || aside != "" {
		t.Fatal(aside, err)
	}
	l := f.Lessons["grpc"]
	if want := time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC); l == nil || !l.Review["code"].Due.Equal(want) || l.Steps["a"].Attempts != 3 {
		t.Errorf("after the migration: %+v", l)
	}
	if raw, err := os.ReadFile(s.Path() + ".v1"); err != nil || string(raw) != old {
		t.Errorf("the old file: %q, %v", raw, err)
	}
}

func TestWritersAtTheSameTimeLoseNothing(t *testing.T) {
	s := newStore(t)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if _, err := New(s.Path(), s.now).Save(fmt.Sprint("lesson-", i), &Lesson{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if f, _, err := s.Read(); err != nil || len(f.Lessons) != 20 {
		t.Errorf("%d lessons, %v", len(f.Lessons), err)
	}
}

func TestAResetCanBeUndone(t *testing.T) {
	s := newStore(t)
	for _, id := range []string{"a", "b"} {
		if _, err := s.Save(id, &Lesson{Step: id}); err != nil {
			t.Fatal(err)
		}
	}
	if undo, err := s.Reset("a"); err != nil || undo == "" {
		t.Fatal(undo, err)
	}
	if f, _, _ := s.Read(); f.Lessons["a"] != nil || f.Lessons["b"] == nil {
		t.Error("reset of one lesson touched another, or nothing")
	}
	if _, err := s.Undo(); err != nil {
		t.Fatal(err)
	}
	if f, _, _ := s.Read(); f.Lessons["a"] == nil || f.Lessons["a"].Step != "a" {
		t.Error("undo brought nothing back")
	}
	if _, err := s.Undo(); err == nil {
		t.Error("undo worked twice")
	}
	if undo, err := s.Reset("nothing"); err != nil || undo != "" {
		t.Errorf("reset of a lesson never begun: %q, %v", undo, err)
	}
}
