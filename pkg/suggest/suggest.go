// Package suggest finds the known word that a mistyped one probably meant: the "did you mean" of every error.
package suggest

import (
	"cmp"
	"slices"
	"strings"
)

// maxLength bounds the words that are compared, in bytes: longer ones are no slips of the finger.
const maxLength = 128

// Match returns the candidate closest to word, or "" when none is close enough to be worth a question.
func Match(word string, candidates []string) string {
	if found := Matches(word, candidates, 1); len(found) > 0 {
		return found[0]
	}
	return ""
}

// Matches returns up to limit candidates close to word, the closest first. Case, hyphens and underscores
// count only between candidates that are equally close without them; a word contained in another is close to it.
func Matches(word string, candidates []string, limit int) []string {
	if word == "" || len(word) > maxLength {
		return nil
	}
	type scored struct {
		word         string
		score, exact int
	}
	var found []scored
	for _, c := range candidates {
		if score, ok := closeness(fold(word), fold(c)); ok {
			found = append(found, scored{c, score, distance(strings.ToLower(word), strings.ToLower(c))})
		}
	}
	slices.SortStableFunc(found, func(a, b scored) int {
		return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.exact, b.exact), cmp.Compare(a.word, b.word))
	})
	var words []string
	for _, f := range found {
		if len(words) < limit && !slices.Contains(words, f.word) {
			words = append(words, f.word)
		}
	}
	return words
}

// Typo returns the candidate that word was meant to be if only fingers slipped, or "": unlike for Match, a
// part of a word does not count.
func Typo(word string, candidates []string) string {
	for _, c := range Matches(word, candidates, len(candidates)) {
		if d := distance(fold(word), fold(c)); d <= max(1, max(len(word), len(c))/3) {
			return c
		}
	}
	return ""
}

// Phrase returns `; did you mean "x"?` for the closest candidate, or "".
func Phrase(word string, candidates []string) string {
	if m := Match(word, candidates); m != "" {
		return `; did you mean "` + m + `"?`
	}
	return ""
}

// closeness is the number of edits between two folded words; false if that is more than a third of the longer one.
func closeness(word, candidate string) (int, bool) {
	if candidate == "" || len(candidate) > maxLength {
		return 0, false
	}
	longest := max(len(word), len(candidate))
	d := distance(word, candidate)
	if d <= max(1, longest/3) && d < longest {
		return d, true
	}
	shorter, longer := word, candidate
	if len(shorter) > len(longer) {
		shorter, longer = longer, shorter
	}
	// "payment" for "paymentservice": further away than any slip of the finger.
	if len(shorter) >= 4 && strings.Contains(longer, shorter) {
		return longest + d, true
	}
	return 0, false
}

func fold(s string) string {
	return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(s))
}

// distance is the least number of insertions, deletions, substitutions and swaps of adjacent bytes that
// turn a into b (optimal string alignment).
func distance(a, b string) int {
	before, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}
