package checkout

import (
	"errors"
	"testing"
	"time"
)

func TestAnAnswerIsGoodForAWhileAndAnErrorIsNot(t *testing.T) {
	now := time.Unix(1, 0)
	r := newRecent[string, int](time.Second, 2, func() time.Time { return now })
	asked := 0
	ask := func() (int, error) { asked++; return asked, nil }
	want := func(key string, value int) {
		t.Helper()
		if got, err := r.get(key, ask); got != value || err != nil {
			t.Errorf("%s is %d, %v, want %d", key, got, err, value)
		}
	}
	if _, err := r.get("a", func() (int, error) { return 0, errors.New("away") }); err == nil {
		t.Error("an error is lost")
	}
	want("a", 1)
	now = now.Add(time.Second - 1)
	want("a", 1)
	now = now.Add(1)
	want("a", 2)
	want("b", 3)
	want("c", 4) // one too many: the others go
	want("c", 4)
	want("a", 5)
	if len(r.answers) > 2 {
		t.Errorf("%d answers are kept, want at most 2", len(r.answers))
	}
	never := newRecent[string, int](0, 2, func() time.Time { return now })
	for i := range 3 {
		if got, _ := never.get("a", func() (int, error) { return i, nil }); got != i {
			t.Errorf("without a time to keep answers, %d is kept", got)
		}
	}
}
