package delivery

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func errorRate(t *testing.T, text string) Criterion {
	t.Helper()
	check, err := ParseCheck(text)
	if err != nil {
		t.Fatal(err)
	}
	return check[0]
}

func TestTooFewCallsAreNotKnownYetAndNotFine(t *testing.T) {
	one := errorRate(t, "error rate < 1%")
	for _, x := range []struct {
		before, after Counts
		verdict, why  string
	}{
		{Counts{Calls: 5000}, Counts{}, Unknown, "0 of at least 299 calls"},
		{Counts{Calls: 5000}, Counts{Calls: 298}, Unknown, "298 of at least 299 calls"},
		{Counts{Calls: 5000}, Counts{Calls: 299}, Fine, ""},
		{Counts{Calls: 5000}, Counts{Calls: 299, Bad: 1}, Unknown, "299 of at least 473 calls"},
		{Counts{Calls: 5000}, Counts{Calls: 473, Bad: 1}, Fine, ""},
		{Counts{Calls: 500}, Counts{Calls: 3, Bad: 2}, Unknown, ""},
		{Counts{Calls: 500}, Counts{Calls: 40, Bad: 6}, Worse, "15% of the calls, and 0% of the old release"},
		{Counts{}, Counts{Calls: 40, Bad: 6}, Worse, "15% of the calls; the old release got none to compare with"},
		{Counts{Calls: 500, Bad: 75}, Counts{Calls: 40, Bad: 6}, Unknown, "the old release breaks the bound as well"},
	} {
		got := Judge(one, x.before, x.after)
		if got.Verdict != x.verdict || !strings.Contains(got.Because, x.why) {
			t.Errorf("%+v against %+v: %s (%s), want %s (%s)", x.after, x.before, got.Verdict, got.Because, x.verdict, x.why)
		}
	}
}

func TestTheProbabilitiesAreThoseOfTheBinomialDistribution(t *testing.T) {
	for _, x := range []struct {
		k, n int
		p    float64
		want float64
	}{
		{0, 299, 0.01, math.Pow(0.99, 299)},
		{2, 4, 0.5, 11.0 / 16},
		{4, 4, 0.3, 1},
		{0, 0, 0.3, 1},
		{1, 3, 0.25, 0.84375},
		{50, 10000, 0.01, 2.112e-8},
		{99, 100, 0.01, 1},
	} {
		if got := binomial(x.k, x.n, x.p); math.Abs(got-x.want) > 1e-3*x.want {
			t.Errorf("at most %d of %d with %g: %g, want %g", x.k, x.n, x.p, got, x.want)
		}
	}
	// The integral, by adding up.
	k, n, p := 7, 40, 0.05
	sum, parts := 0.0, 100_000
	for i := range parts {
		s := p + (1-p)*(float64(i)+0.5)/float64(parts)
		sum += math.Pow(s/p, float64(k)) * math.Pow((1-s)/(1-p), float64(n-k)) / float64(parts)
	}
	if got := math.Exp(evidence(k, n, p)); math.Abs(got-sum) > 1e-3*sum {
		t.Errorf("the likelihood ratio is %g, want %g", got, sum)
	}
}

// play judges after every tenth call of a step, as long as it is not decided and most calls have not passed. The new release gets
// this share of them.
func play(r *rand.Rand, c Criterion, share, oldBad, newBad float64, most int) (verdict string, calls int) {
	var before, after Counts
	for calls = 1; calls <= most; calls++ {
		counts, bad := &before, oldBad
		if r.Float64() < share {
			counts, bad = &after, newBad
		}
		counts.Calls++
		if r.Float64() < bad {
			counts.Bad++
		}
		if calls%10 != 0 {
			continue
		}
		if f := Judge(c, before, after); f.Verdict != Unknown {
			return f.Verdict, calls
		}
	}
	return Unknown, most
}

func TestFalseAlarmsAndMissedReleasesAreRareOverManySeeds(t *testing.T) {
	one := errorRate(t, "error rate < 1%")
	for _, x := range []struct {
		name           string
		oldBad, newBad float64
		// The least share of seeds with fine, and the greatest; the same of worse.
		fine, worse [2]float64
	}{
		{"both sound", 0.001, 0.001, [2]float64{0.99, 1}, [2]float64{0, 0.005}},
		{"both at half the bound", 0.005, 0.005, [2]float64{0.85, 1}, [2]float64{0, 0.005}},
		{"both as bad", 0.1, 0.1, [2]float64{0, 0}, [2]float64{0, 0.005}},
		{"one in ten fails", 0.001, 0.1, [2]float64{0, 0.001}, [2]float64{0.999, 1}},
		{"one in twenty-five fails", 0.001, 0.04, [2]float64{0, 0.005}, [2]float64{0.99, 1}},
		{"one in fifty fails", 0.001, 0.02, [2]float64{0, 0.05}, [2]float64{0.35, 1}},
	} {
		const seeds = 100
		decided, longest := map[string]int{}, 0
		for seed := range uint64(seeds) {
			verdict, calls := play(rand.New(rand.NewPCG(seed, 7)), one, 0.25, x.oldBad, x.newBad, 10_000)
			decided[verdict]++
			if verdict == Worse {
				longest = max(longest, calls)
			}
		}
		t.Logf("%s: %v, alarm after at most %d calls of both", x.name, decided, longest)
		for verdict, bounds := range map[string][2]float64{Fine: x.fine, Worse: x.worse} {
			if got := float64(decided[verdict]) / seeds; got < bounds[0] || got > bounds[1] {
				t.Errorf("%s: %s in %.3f of the runs, want %v", x.name, verdict, got, bounds)
			}
		}
	}
}

func TestAReleaseThatFailsOneCallInTenIsFoundAtFivePercentOfTheTraffic(t *testing.T) {
	one := errorRate(t, "error rate < 1%")
	late := 0
	for seed := range uint64(200) {
		verdict, calls := play(rand.New(rand.NewPCG(seed, 9)), one, 0.05, 0.001, 0.1, 20_000)
		if verdict != Worse {
			t.Errorf("seed %d: %s", seed, verdict)
		}
		if calls > 20*150 {
			late++
		}
	}
	if late > 10 {
		t.Errorf("%d of 200 were found only after more than 150 calls", late)
	}
}

func TestACheckIsReadAndWrittenAgain(t *testing.T) {
	check, err := ParseCheck("error rate<1%,  p99 <200ms , p50 < 0.5s")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := check.String(), "error rate < 1%, p99 < 200ms, p50 < 0.5s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	want := Check{{0.01, 0, "error rate < 1%"}, {0.01, 200 * time.Millisecond, "p99 < 200ms"}, {0.5, 500 * time.Millisecond, "p50 < 0.5s"}}
	for i := range want {
		if check[i] != want[i] {
			t.Errorf("%+v, want %+v", check[i], want[i])
		}
	}
	for text, want := range map[string]string{
		"":                                 "criteria such as",
		"errors < 1%":                      "criteria such as",
		"error rate < 0%":                  "0.01% to 99%",
		"error rate < 100%":                "0.01% to 99%",
		"error rate < 1.2.3%":              "0.01% to 99%",
		"p99 < 200":                        "criteria such as",
		"p99 < 0ms":                        "a time up to an hour",
		"p00 < 1ms":                        "p01 to p99.9",
		"p99 < 9999s":                      "a time up to an hour",
		"error rate < 1%, error rate < 1%": "each measure once",
		"p99 < 1ms,":                       "criteria such as",
	} {
		if _, err := ParseCheck(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
