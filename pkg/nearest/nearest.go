// Package nearest finds the name that somebody meant when they typed another one.
package nearest

import "strings"

// Name returns the candidate closest to word, without regard to case, or "" when none is close
// enough to be worth suggesting. Of equally close candidates the first wins.
func Name(word string, candidates []string) string {
	typed := []rune(strings.ToLower(word))
	if len(typed) == 0 {
		return ""
	}
	best, bestDistance := "", len(typed)/3+2
	for _, candidate := range candidates {
		d := distance(typed, []rune(strings.ToLower(candidate)))
		if extends(string(typed), strings.ToLower(candidate)) {
			d = min(d, 1)
		}
		if d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// extends reports whether one word is a long enough part of the other that one was meant for the other:
// "payments" for "payment", "charge" for "chargecard", "products" for "listproducts".
func extends(a, b string) bool {
	short, long := a, b
	if len(short) > len(long) {
		short, long = long, short
	}
	return len(short) >= 4 && strings.Contains(long, short)
}

// distance counts the insertions, deletions, substitutions and swaps of neighbours that turn a into b
// (optimal string alignment).
func distance(a, b []rune) int {
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
