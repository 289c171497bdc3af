package plot

import (
	"math"
	"strconv"
	"strings"
)

// Unit is the unit of values.
type Unit int

// The units with a special spelling.
const (
	Plain   Unit = iota // 1.2k
	Seconds             // 42ms
	Bytes               // 1.5MB
	Ratio               // of one, as 48%
)

// UnitOf guesses the unit of what a PromQL expression yields from the names in it, which by the
// convention end in their unit.
func UnitOf(expr string) Unit {
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(expr, p) {
				return true
			}
		}
		return false
	}
	switch {
	case has("_ratio"):
		return Ratio
	case has("_seconds_sum") && has("_seconds_count"):
		return Seconds
	case has("_seconds_count", "_seconds_total", "_seconds_sum"):
		return Plain
	case has("_seconds_bucket"):
		if has("histogram_quantile") {
			return Seconds
		}
		return Plain
	case has("_seconds"):
		return Seconds
	case has("_bytes"):
		return Bytes
	}
	return Plain
}

// Format writes a value for people: two or three digits and the unit.
func (u Unit) Format(v float64) string {
	return u.format(v, 0)
}

// scale is a power of the unit and how it is written.
type scale struct {
	size   float64
	suffix string
}

func (u Unit) scales() []scale {
	switch u {
	case Seconds:
		return []scale{{1e-9, "ns"}, {1e-6, "us"}, {1e-3, "ms"}, {1, "s"}}
	case Bytes:
		return []scale{{1, "B"}, {1e3, "kB"}, {1e6, "MB"}, {1e9, "GB"}, {1e12, "TB"}}
	case Ratio:
		return []scale{{1e-2, "%"}}
	}
	return []scale{{1, ""}, {1e3, "k"}, {1e6, "M"}, {1e9, "G"}, {1e12, "T"}}
}

// format writes v with enough digits that values one step apart differ; with step 0, with the digits that people read.
func (u Unit) format(v, step float64) string {
	switch {
	case math.IsNaN(v):
		return "none"
	case math.IsInf(v, 1):
		return "infinite"
	case math.IsInf(v, -1):
		return "-infinite"
	}
	scales := u.scales()
	s := scales[0]
	for _, larger := range scales[1:] {
		if math.Abs(v) >= larger.size*0.9995 {
			s = larger
		}
	}
	if v == 0 {
		s = scales[0]
		if u == Seconds {
			s = scale{1, "s"}
		}
	}
	return digits(v/s.size, step/s.size) + s.suffix
}

// digits writes v with as many digits as step needs; with step 0, with two or three.
func digits(v, step float64) string {
	size := math.Abs(v)
	if size >= 1e6 || size < 1e-4 && size > 0 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	decimals := 0
	switch {
	case step > 0:
		for s := step; decimals < 6 && math.Abs(s-math.Round(s)) > 1e-6*s; decimals++ {
			s *= 10
		}
	case size == 0 || size >= 99.95:
	case size >= 9.995:
		decimals = 1
	case size >= 0.1:
		decimals = 2
	default:
		decimals = 4
	}
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		return "0"
	}
	return text
}
