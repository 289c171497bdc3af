package verify_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/verify"
)

func lessonsOf(minutes ...int) []*lesson.Lesson {
	var all []*lesson.Lesson
	for i, m := range minutes {
		all = append(all, &lesson.Lesson{Front: format.Front{ID: fmt.Sprint("l", i), Minutes: m}})
	}
	return all
}

func TestShardsAreBalancedAndHoldEachLessonOnce(t *testing.T) {
	all := lessonsOf(12, 5, 7, 8, 12, 10, 6, 5)
	all[1].Shop.Load = 20 // 15 minutes with three seeds
	for count := 1; count <= 9; count++ {
		seen := map[string]int{}
		shortest, longest := 1000, 0
		for index := 1; index <= count; index++ {
			part := verify.Shard(all, index, count)
			if again := verify.Shard(all, index, count); !slices.Equal(part, again) {
				t.Errorf("shard %d/%d differs from run to run", index, count)
			}
			minutes := 0
			for _, l := range part {
				seen[l.ID]++
				minutes += l.Minutes
				if l.Shop.Load > 0 {
					minutes += 2 * l.Minutes
				}
			}
			shortest, longest = min(shortest, minutes), max(longest, minutes)
		}
		if len(seen) != len(all) {
			t.Errorf("%d shards hold %d lessons of %d", count, len(seen), len(all))
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%d shards hold %s %d times", count, id, n)
			}
		}
		if count <= 4 && longest-shortest > 12 {
			t.Errorf("%d shards take %d to %d minutes", count, shortest, longest)
		}
	}
}

func TestAShardKeepsTheOrder(t *testing.T) {
	all := lessonsOf(1, 2, 3)
	if got := verify.Shard(all, 1, 1); !slices.Equal(got, all) {
		t.Errorf("got %v", got)
	}
}
