package plot

import (
	"math"
	"time"
)

// axis is a range of values, and the distance of the round values in it that are labeled.
type axis struct {
	low, high, step float64
}

// newAxis finds the smallest round step of which at most n fit between low and high.
func newAxis(low, high float64, n int) axis {
	raw := high/float64(n+1) - low/float64(n+1)
	if !(raw > 0) || math.IsInf(raw, 0) {
		return axis{low: low, high: low + 1, step: 1}
	}
	size := math.Pow(10, math.Floor(math.Log10(raw)))
	if size == 0 || math.IsInf(size, 0) {
		return axis{low: low, high: high, step: raw}
	}
	a := axis{low: low, high: high}
	for _, m := range []float64{1, 2, 2.5, 5, 10, 20} {
		if a.step = m * size; a.step > raw*1.0001 {
			break
		}
	}
	return a
}

// at is where v lies between the ends: 0 to 1.
func (a axis) at(v float64) float64 {
	height := a.high/2 - a.low/2
	if !(height > 0) {
		return 0
	}
	return min(max((v/2-a.low/2)/height, 0), 1)
}

// ticks are the round values in the range.
func (a axis) ticks() []float64 {
	first := math.Ceil(a.low/a.step - 1e-9)
	n := int(min(a.high/a.step-first+1e-9, 100))
	all := make([]float64, 0, max(n+1, 0))
	for i := range n + 1 {
		all = append(all, (first+float64(i))*a.step)
	}
	return all
}

// clock is how times are written that cover a span.
func clock(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return "Jan 2 15:04"
	case d >= 20*time.Minute:
		return "15:04"
	}
	return "15:04:05"
}

// moments are the round times from one to another, of which at most n fit.
func moments(from, to time.Time, n int) []time.Time {
	if n < 1 || !to.After(from) {
		return []time.Time{from}
	}
	step := roundTime(to.Sub(from) / time.Duration(n))
	_, offset := from.Zone()
	zone := time.Duration(offset) * time.Second // a round time is one of the wall's clock
	var all []time.Time
	first := from.Add(zone).Truncate(step).Add(-zone)
	for i := range n + 2 {
		if t := first.Add(time.Duration(i) * step); !t.Before(from) && !t.After(to) {
			all = append(all, t)
		}
	}
	return all
}

func roundTime(least time.Duration) time.Duration {
	for _, d := range []time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	} {
		if d >= least {
			return d
		}
	}
	day := 24 * time.Hour
	return (least/day + 1) * day
}
