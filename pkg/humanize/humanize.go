// Package humanize writes numbers for people: the digits that matter, with their unit, the same everywhere.
//
// Measured times come from [Duration] and [Millis], ages as kubectl prints them from [Age], settings such as
// "5m" from [Span], shares from [Percent], requests per second from [Rate] and counts from [Count].
package humanize

import (
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"
)

// Duration rounds a measured time to the digits that matter: "52µs", "0.3ms", "4.2ms", "48ms", "2.9s", "45s", "3m12s",
// "2h5m", "4d".
func Duration(d time.Duration) string {
	if d < 0 {
		return "-" + Duration(-d)
	}
	switch {
	case d == 0:
		return "0ms"
	case d < 100*time.Microsecond:
		return strconv.FormatFloat(float64(d)/1e3, 'f', 0, 64) + "µs"
	case d < 9950*time.Microsecond:
		return strconv.FormatFloat(float64(d)/1e6, 'f', 1, 64) + "ms"
	case d < 999500*time.Microsecond:
		return strconv.FormatFloat(float64(d)/1e6, 'f', 0, 64) + "ms"
	case d < 9950*time.Millisecond:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	case d < 59500*time.Millisecond:
		return strconv.FormatFloat(d.Seconds(), 'f', 0, 64) + "s"
	}
	switch d = d.Round(time.Second); {
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + "m" + strconv.Itoa(int(d.Seconds())%60) + "s"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + "h" + strconv.Itoa(int(d.Minutes())%60) + "m"
	default:
		return strconv.Itoa(int(d.Hours())/24) + "d"
	}
}

// Millis is Duration for a number of milliseconds.
func Millis(ms float64) string { return Duration(time.Duration(ms * float64(time.Millisecond))) }

// Span writes a duration that a user chose, exactly and without its zero parts: "500ms", "90s" as "1m30s", "5m",
// "1h".
func Span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Age is how long ago something happened, as kubectl prints it: "45s", "3m12s", "12m", "2d3h".
func Age(d time.Duration) string { return duration.HumanDuration(d) }

// Percent writes a share of one: "0%", "<0.1%", "0.4%", "8.5%", "48%", ">99%". What is not quite nothing and not
// quite all is never rounded to 0% or 100%.
func Percent(ratio float64) string {
	switch p := 100 * ratio; {
	case p == 0:
		return "0%"
	case p > 0 && p < 0.1:
		return "<0.1%"
	case p > 99 && p < 100:
		return ">99%"
	case p < 9.95:
		return strings.TrimSuffix(strconv.FormatFloat(p, 'f', 1, 64), ".0") + "%"
	default:
		return strconv.FormatFloat(p, 'f', 0, 64) + "%"
	}
}

// Rate writes events per second without the unit: "0", "<0.1", "0.4", "3.1", "46".
func Rate(perSecond float64) string {
	if perSecond > 0 && perSecond < 0.05 {
		return "<0.1"
	}
	if perSecond >= 9.95 || perSecond == 0 {
		return strconv.FormatFloat(perSecond, 'f', 0, 64)
	}
	return strconv.FormatFloat(perSecond, 'f', 1, 64)
}

// Count writes a number with its noun: "1 fault", "2 faults", "1 query", "2 queries".
func Count[N int | int32 | int64 | uint32 | uint64](n N, noun string) string {
	number := strconv.FormatInt(int64(n), 10)
	if n == 1 {
		return number + " " + noun
	}
	return number + " " + Plural(noun)
}

// Plural is the regular plural of an English noun: "fault" and "faults", "query" and "queries", "match" and
// "matches".
func Plural(noun string) string {
	switch {
	case strings.HasSuffix(noun, "y") && len(noun) > 1 && !strings.ContainsRune("aeiou", rune(noun[len(noun)-2])):
		return strings.TrimSuffix(noun, "y") + "ies"
	case strings.HasSuffix(noun, "s"), strings.HasSuffix(noun, "x"), strings.HasSuffix(noun, "ch"), strings.HasSuffix(noun, "sh"):
		return noun + "es"
	}
	return noun + "s"
}
