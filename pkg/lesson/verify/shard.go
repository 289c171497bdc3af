package verify

import (
	"cmp"
	"slices"

	"github.com/shopctl/shopctl/pkg/lesson"
)

// Shard returns the part of some lessons that one of several machines verifies, in their order: index counts from 1.
// The parts are about equally long by the minutes that the lessons declare, three times those of a lesson that is
// verified with three seeds, and depend on nothing else.
func Shard(lessons []*lesson.Lesson, index, count int) []*lesson.Lesson {
	longest := slices.Clone(lessons)
	slices.SortStableFunc(longest, func(a, b *lesson.Lesson) int {
		return cmp.Or(cmp.Compare(weight(b), weight(a)), cmp.Compare(a.ID, b.ID))
	})
	loads := make([]int, count)
	mine := map[*lesson.Lesson]bool{}
	for _, l := range longest {
		least := slices.Index(loads, slices.Min(loads))
		loads[least] += weight(l)
		mine[l] = least == index-1
	}
	return slices.DeleteFunc(slices.Clone(lessons), func(l *lesson.Lesson) bool { return !mine[l] })
}

// weight is about how long a lesson takes to verify.
func weight(l *lesson.Lesson) int {
	if l.Shop.Load > 0 {
		return l.Minutes * seedsUnderLoad
	}
	return l.Minutes
}
