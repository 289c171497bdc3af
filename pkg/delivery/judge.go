package delivery

import (
	"fmt"
	"math"
	"time"
)

// Verdicts about a criterion.
const (
	Fine    = "fine"
	Worse   = "worse"
	Unknown = "not known yet"
)

// Counts are the calls of one release, and those of them that are bad. For a criterion on latency only calls that succeeded
// count.
type Counts struct {
	Calls int `json:"calls"`
	Bad   int `json:"bad"`
	// Quantile is the measured one of a criterion on latency; 0 without calls.
	Quantile time.Duration `json:"quantile,omitempty"`
}

// Finding is what one criterion says of a step.
type Finding struct {
	Criterion string `json:"criterion"`
	Old       Counts `json:"old"`
	New       Counts `json:"new"`
	Verdict   string `json:"verdict"`
	Because   string `json:"because,omitempty"`
}

const (
	// alarm is how much more likely the counts have to be under "worse" than under "not worse".
	alarm = 1000
	// doubt is the greatest probability of seeing as few bad calls if the bound were not kept.
	doubt = 0.05
)

// Judge compares the releases over the calls of one step.
//
// Every criterion is one about a share: of failed calls, or, since "p99 < 200ms" says that fewer than one in a hundred calls
// takes longer than 200ms, of slow ones. There are three verdicts:
//
//   - Worse needs two things. The new release breaks the bound: the likelihood ratio of its counts, mixed over all shares above
//     the bound with equal weights, against the bound itself, is at least 1000. And it is worse than the old one: if both were
//     alike, each bad call would be the new release's with the probability of its share of all calls; the same ratio against
//     that is at least 1000, too. Such a ratio is a supermartingale as long as the release is not worse, so that by Ville's
//     inequality it ever reaches 1000 in at most one of 1000 runs, however often one looks. Without calls of the old release
//     the bound alone decides.
//   - Fine: if the bound were not kept, so few bad calls would have at most the probability 5% (the exact binomial test). With
//     no bad call that takes 299 calls for 1%.
//   - Unknown is all else: too few calls, or an old release that breaks the bound just as much.
//
// Sources: Ville's inequality and the method of mixtures, H. Robbins, "Statistical Methods Related to the Law of the Iterated
// Logarithm", 1970; the exact test, C. J. Clopper and E. S. Pearson, 1934.
func Judge(c Criterion, before, after Counts) Finding {
	f := Finding{Criterion: c.Text, Old: before, New: after, Verdict: Unknown}
	limit := math.Log(alarm)
	breaks := evidence(after.Bad, after.Calls, c.Share) >= limit
	worse := true
	if before.Calls > 0 {
		share := float64(after.Calls) / float64(after.Calls+before.Calls)
		worse = evidence(after.Bad, after.Bad+before.Bad, share) >= limit
	}
	switch {
	case breaks && worse:
		f.Verdict, f.Because = Worse, fmt.Sprintf("%s of the calls, and %s of the old release", percent(after), percent(before))
		if before.Calls == 0 {
			f.Because = percent(after) + " of the calls; the old release got none to compare with"
		}
	case breaks:
		f.Because = "the old release breaks the bound as well"
	case binomial(after.Bad, after.Calls, c.Share) <= doubt:
		f.Verdict = Fine
	default:
		f.Because = fmt.Sprintf("%d of at least %d calls", after.Calls, needed(after.Bad, after.Calls, c.Share))
	}
	return f
}

func percent(c Counts) string {
	if c.Calls == 0 {
		return "0%"
	}
	return fmt.Sprintf("%.3g%%", 100*float64(c.Bad)/float64(c.Calls))
}

// evidence is the logarithm of the likelihood ratio of k bad calls of n: shares above p, mixed with equal weights, against p.
// That is the integral of s^k (1-s)^(n-k) over s from p to 1, divided by (1-p) p^k (1-p)^(n-k). The integral is a beta
// function times the probability that a beta variable exceeds p, which is one of a binomial variable.
func evidence(k, n int, p float64) float64 {
	if n == 0 || p <= 0 || p >= 1 {
		return 0
	}
	return logBeta(float64(k+1), float64(n-k+1)) + math.Log(binomial(k, n+1, p)) -
		math.Log1p(-p) - float64(k)*math.Log(p) - float64(n-k)*math.Log1p(-p)
}

func logBeta(a, b float64) float64 { return logGamma(a) + logGamma(b) - logGamma(a+b) }

func logGamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// binomial is the probability of at most k of n, each with the probability p.
func binomial(k, n int, p float64) float64 {
	if k >= n {
		return 1
	}
	// The terms from k downwards, until they no longer count.
	term := math.Exp(-math.Log(float64(n+1)) - logBeta(float64(k+1), float64(n-k+1)) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
	sum := term
	for i := k; i > 0; i-- {
		term *= float64(i) / float64(n-i+1) * (1 - p) / p
		if sum += term; float64(i) < float64(n)*p && term < sum*1e-15 {
			break
		}
	}
	return min(sum, 1)
}

// needed is how many calls it takes at least until k bad ones of them are few enough, from n on.
func needed(k, n int, p float64) int {
	high := max(n, 1)
	for binomial(k, high, p) > doubt {
		high *= 2
	}
	low := n
	for low+1 < high {
		if mid := (low + high) / 2; binomial(k, mid, p) > doubt {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}
