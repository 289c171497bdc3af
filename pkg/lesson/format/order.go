package format

import (
	"cmp"
	"slices"
)

// Tracks are the tracks in the order in which they are read; others come after them.
func Tracks() []string {
	return []string{
		"start", "architecture", "communication", "observability", "resilience", "mesh", "security", "testing",
		"data", "delivery", "extend", "operate",
	}
}

// inOrder puts lessons into the order in which they are read: track by track, and in each track a lesson
// after those of it that it needs.
func inOrder(lessons []*Lesson) []*Lesson {
	rank := func(track string) int {
		if i := slices.Index(Tracks(), track); i >= 0 {
			return i
		}
		return len(Tracks())
	}
	byTrack := slices.Clone(lessons)
	slices.SortStableFunc(byTrack, func(a, b *Lesson) int {
		return cmp.Or(cmp.Compare(rank(a.Track), rank(b.Track)), cmp.Compare(a.Track, b.Track))
	})
	ordered := make([]*Lesson, 0, len(lessons))
	seen := map[*Lesson]bool{}
	var add func(l *Lesson)
	add = func(l *Lesson) {
		if seen[l] {
			return
		}
		seen[l] = true
		for _, id := range l.Needs {
			if i := slices.IndexFunc(byTrack, func(other *Lesson) bool { return other.ID == id && other.Track == l.Track }); i >= 0 {
				add(byTrack[i])
			}
		}
		ordered = append(ordered, l)
	}
	for _, l := range byTrack {
		add(l)
	}
	return ordered
}
