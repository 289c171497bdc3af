package loadgenerator

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestVisitorsDoWhatTheOriginalsDoAndAsOften(t *testing.T) {
	j := newJourney(7, 0, 2026)
	if first := j.next(); first.task != taskIndex {
		t.Errorf("starts with %s", first.task)
	}
	const n = 190_000
	counts, total := map[string]int{}, 0
	for range n {
		steps := j.task()
		total++
		counts[steps[len(steps)-1].task]++
	}
	for task, weight := range map[string]int{taskIndex: 1, taskSetCurrency: 2, taskBrowse: 10, taskAddToCart: 2, taskViewCart: 3, taskCheckout: 1} {
		want := float64(total) * float64(weight) / 19
		if got := float64(counts[task]); math.Abs(got-want) > 0.05*want {
			t.Errorf("%s: %v of %d, want about %.0f", task, got, total, want)
		}
	}
}

func TestEveryOrderFormIsValid(t *testing.T) {
	j := newJourney(9, 3, 2026)
	for range 20_000 {
		f := j.order()
		number := f.Get("credit_card_number")
		if len(number) != 16 || number[0] != '4' || !luhn(number) {
			t.Fatalf("card %s", number)
		}
		for _, electron := range []string{"4026", "417500", "4508", "4844", "4913", "4917"} {
			if strings.HasPrefix(number, electron) {
				t.Fatalf("card %s may be taken for another brand", number)
			}
		}
		month, _ := strconv.Atoi(f.Get("credit_card_expiration_month"))
		year, _ := strconv.Atoi(f.Get("credit_card_expiration_year"))
		cvv, _ := strconv.Atoi(f.Get("credit_card_cvv"))
		if month < 1 || month > 12 || year <= 2026 || cvv < 100 || cvv > 999 {
			t.Fatalf("form %v", f)
		}
		for name := range f {
			if f.Get(name) == "" {
				t.Fatalf("%s is empty", name)
			}
		}
	}
}

func luhn(s string) bool {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

func TestArrivalsKeepTheRateAndAreIndependent(t *testing.T) {
	a, last, n := newArrivals(5, 100), time.Duration(0), 0
	var squares float64
	for last < 100*time.Second {
		at := a.next()
		gap := (at - last).Seconds() * 100
		squares += gap * gap
		last = at
		n++
	}
	if n < 9700 || n > 10300 {
		t.Errorf("%d arrivals in 100 s at 100 per second", n)
	}
	// The mean square of exponential gaps is twice the square of their mean.
	if got := squares / float64(n); got < 1.85 || got > 2.15 {
		t.Errorf("mean square of the gaps is %.2f, want about 2", got)
	}
}

// frontend is a shop over real HTTP, as little as the service needs.
