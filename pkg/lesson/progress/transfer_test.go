package progress

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestProgressMovesToAnotherMachine(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 1, 2, hour, 0, 0, 0, time.UTC) }
	there := newStore(t)
	for id, hour := range map[string]int{"a": 10, "b": 10, "c": 10} {
		if _, err := there.Save(id, &Lesson{Step: "there", Updated: at(hour)}); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := there.Export()
	if err != nil {
		t.Fatal(err)
	}
	here := newStore(t)
	for id, hour := range map[string]int{"a": 9, "b": 11} {
		if _, err := here.Save(id, &Lesson{Step: "here", Updated: at(hour)}); err != nil {
			t.Fatal(err)
		}
	}
	step := func(id string) string {
		f, _, err := here.Read()
		if err != nil {
			t.Fatal(err)
		}
		return f.Lessons[id].Step
	}
	done, err := here.Import(raw, false)
	if err != nil || !slices.Equal(done.Taken, []string{"a", "c"}) || !slices.Equal(done.Kept, []string{"b"}) || done.Undo == "" {
		t.Errorf("import: %+v, %v", done, err)
	}
	if step("a") != "there" || step("b") != "here" {
		t.Errorf("the newer does not win: a %s, b %s", step("a"), step("b"))
	}
	if _, err := here.Undo(); err != nil || step("a") != "here" {
		t.Errorf("after undo: a %s, %v", step("a"), err)
	}
	if done, err := here.Import(raw, true); err != nil || len(done.Taken) != 3 || step("b") != "there" {
		t.Errorf("import of all: %+v, %v", done, err)
	}
}

func TestAFileWithoutProgressIsNotImported(t *testing.T) {
	s := newStore(t)
	for raw, want := range map[string]string{"{": "is not a progress file", `{"lessons": {}}`: "it has no version", `{"version": 99}`: "has version 99"} {
		if _, err := s.Import([]byte(raw), false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", raw, err)
		}
	}
	var newer *NewerError
	if _, err := s.Import([]byte(`{"version": 3}`), false); !errors.As(err, &newer) {
		t.Errorf("%v", err)
	}
}
