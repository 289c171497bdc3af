package format

import (
	"slices"
	"testing"
)

func TestLessonsAreReadTrackByTrackAndAfterWhatTheyNeed(t *testing.T) {
	lesson := func(track, id string, needs ...string) *Lesson {
		return &Lesson{Front: Front{ID: id, Track: track, Needs: needs}}
	}
	var ids []string
	for _, l := range inOrder([]*Lesson{
		lesson("brewing", "yeast"), lesson("observability", "alerts", "metrics"), lesson("observability", "metrics", "tracing", "tour", "nothing"),
		lesson("observability", "tracing", "alerts"), lesson("resilience", "timeouts"), lesson("start", "tour"), lesson("baking", "yeast-again"),
	}) {
		ids = append(ids, l.ID)
	}
	// What needs each other in a circle comes in some order, each once.
	if want := []string{"tour", "tracing", "metrics", "alerts", "timeouts", "yeast-again", "yeast"}; !slices.Equal(ids, want) {
		t.Errorf("order %v, want %v", ids, want)
	}
}
