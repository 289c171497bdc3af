package promapi

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// The times for the beginning and the end of all time, as clients send them.
const (
	minTime = "-292273086-05-16T16:47:06Z"
	maxTime = "292277025-08-18T07:12:54.999999999Z"
)

// badParam is the error of a parameter, in the words of Prometheus.
func badParam(name, text string) error {
	return badData(fmt.Sprintf("invalid parameter %q: %s", name, text))
}

// timeParam reads a time: seconds since 1970 with a fraction, or RFC 3339. Without a default, there must be one.
func timeParam(r *http.Request, name string, def time.Time) (time.Time, error) {
	text := r.FormValue(name)
	if text == "" && !def.IsZero() {
		return def, nil
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(seconds) < 1e12 {
		whole, fraction := math.Modf(seconds)
		return time.Unix(int64(whole), int64(math.Round(fraction*1000))*int64(time.Millisecond)).UTC(), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	switch text {
	case minTime:
		return time.Unix(-1e11, 0), nil
	case maxTime:
		return time.Unix(1e11, 0), nil
	}
	return time.Time{}, badParam(name, fmt.Sprintf("cannot parse %q to a valid timestamp", clip(text)))
}

// durationParam reads a duration: seconds, or as Prometheus writes it.
func durationParam(r *http.Request, name string) (time.Duration, error) {
	text := r.FormValue(name)
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(seconds) < 1e9 {
		return time.Duration(seconds * float64(time.Second)), nil
	}
	if d, err := model.ParseDuration(text); err == nil {
		return time.Duration(d), nil
	}
	return 0, badParam(name, fmt.Sprintf("cannot parse %q to a valid duration", clip(text)))
}

// limitParam is how many results are wanted; 0: all.
func limitParam(r *http.Request) (int, error) {
	text := r.FormValue("limit")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(clip(text))
	switch {
	case err != nil:
		return 0, badParam("limit", err.Error())
	case n < 0:
		return 0, badParam("limit", "limit must be non-negative")
	}
	return n, nil
}

// scope limits labels and series: times and selectors.
type scope struct {
	from, to int64
	sets     [][]*labels.Matcher
	limit    int
}

func (a *api) scope(r *http.Request) (s scope, err error) {
	from, err := timeParam(r, "start", time.UnixMilli(0))
	if err != nil {
		return s, err
	}
	to, err := timeParam(r, "end", a.Now().Add(time.Hour))
	if err != nil {
		return s, err
	}
	if s.limit, err = limitParam(r); err != nil {
		return s, err
	}
	s.from, s.to = from.UnixMilli(), to.UnixMilli()
	if s.sets, err = a.Query.Selectors(r.Form["match[]"]); err != nil {
		return s, badData(err.Error())
	}
	for _, set := range s.sets {
		if !slices.ContainsFunc(set, func(m *labels.Matcher) bool { return !m.Matches("") }) {
			return s, badData("match[] must contain at least one non-empty matcher")
		}
	}
	return s, nil
}
