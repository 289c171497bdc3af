package logrecord

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// zoned and local are the layouts in which loggers write times; a fraction of a second may follow the seconds in any of them.
func zoned() []string {
	return []string{
		time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z0700", "2006-01-02 15:04:05 Z07:00",
		"2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 -0700 MST", "2006-01-02T15:04:05 -0700", "02/Jan/2006:15:04:05 -0700", "20060102T150405Z0700",
		time.RFC1123Z, time.RubyDate, "2006/01/02 15:04:05 -0700", "2006-01-02 15:04:05 UTC", time.RFC1123,
	}
}

func local() []string {
	return []string{
		"2006-01-02T15:04:05", time.DateTime, "2006/01/02 15:04:05", time.ANSIC, "02/Jan/2006:15:04:05", "02/Jan/2006 15:04:05", "02-Jan-2006 15:04:05", "20060102T150405",
	}
}

// timeOf reads a time: a number or text, or the objects of log4j and of protocol buffers.
func timeOf(value json.RawMessage) (at time.Time, noZone, ok bool) {
	switch value[0] {
	case '"':
		return parseTime(text(value))
	case '{':
		seconds, nanos := member(value, "epochSecond"), member(value, "nanoOfSecond")
		if seconds == nil {
			seconds, nanos = member(value, "seconds"), member(value, "nanos")
		}
		if seconds == nil {
			return timeOfNumber(string(member(value, "timestamp")))
		}
		at, _, ok = timeOfNumber(trim(seconds))
		n, _ := strconv.ParseInt(trim(nanos), 10, 64)
		return at.Add(time.Duration(n)), false, ok
	}
	return timeOfNumber(string(value))
}

func trim(value json.RawMessage) string { return strings.Trim(string(value), `"`) }

func parseTime(s string) (at time.Time, noZone, ok bool) {
	s = strings.Trim(s, " []")
	if len(s) < len("1234567890") || len(s) > 64 {
		return time.Time{}, false, false
	}
	if numeric(s) {
		return timeOfNumber(s)
	}
	for _, layout := range zoned() {
		if at, err := time.Parse(layout, s); err == nil {
			return at, false, true
		}
	}
	for _, layout := range local() {
		if at, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return at, true, true
		}
	}
	return time.Time{}, false, false
}

// timeOfNumber reads seconds, milliseconds, microseconds or nanoseconds since 1970: which of them is clear from the size, as
// long as the year has four digits and is not 1970.
func timeOfNumber(s string) (at time.Time, noZone, ok bool) {
	const milli, micro, nano = 1e11, 1e14, 1e17
	whole, fraction, _ := strings.Cut(s, ".")
	if n, err := strconv.ParseInt(whole, 10, 64); err == nil && (fraction == "" || numeric(fraction)) {
		f, err := strconv.ParseFloat("0."+fraction+"0", 64)
		if err != nil || n <= 0 {
			return time.Time{}, false, false
		}
		switch {
		case n < milli:
			return time.Unix(n, int64(math.Round(f*1e9))), false, true
		case n < micro:
			return time.UnixMilli(n).Add(time.Duration(math.Round(f * 1e6))), false, true
		case n < nano:
			return time.UnixMicro(n).Add(time.Duration(math.Round(f * 1e3))), false, true
		}
		return time.Unix(0, n), false, true
	}
	f, err := strconv.ParseFloat(s, 64) // such as 1.79598547187e+09
	if err != nil || !(f >= 1) || f >= 1e19 {
		return time.Time{}, false, false
	}
	return timeOfNumber(strconv.FormatFloat(f, 'f', -1, 64))
}

// numeric reports whether s is a number without an exponent.
func numeric(s string) bool {
	return s != "" && strings.Trim(s, "0123456789.") == ""
}

// number is a value that is a whole number, also in quotes; -1 if it is not.
func number(value json.RawMessage) int {
	n, err := strconv.Atoi(trim(value))
	if err != nil {
		return -1
	}
	return n
}
