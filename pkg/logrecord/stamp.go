package logrecord

import (
	"strings"
	"time"
)

// Stamp puts the time at which a record came before it.
func Stamp(record []byte, at time.Time) []byte {
	return append(append(at.UTC().AppendFormat(nil, time.RFC3339Nano), ' '), record...)
}

// Stamped reports whether a line begins with the time at which it came.
func Stamped(line string) bool {
	at, _ := Unstamp(line)
	return !at.IsZero()
}

// Unstamp separates a record from the time at which it came; that is zero for a record without one.
func Unstamp(line string) (at time.Time, record string) {
	if line == "" || line[0] < '0' || line[0] > '9' {
		return time.Time{}, line
	}
	stamp, record, found := strings.Cut(line, " ")
	if !found || !strings.HasPrefix(record, "{") {
		return time.Time{}, line
	}
	at, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		return time.Time{}, line
	}
	return at, record
}

// soon is how far a record's time may be ahead of ours.
const soon = 24 * time.Hour

// TimeAt is the time of a record that came at a moment: its own where that can be right. One without a zone is of this
// machine's or of UTC, whichever is nearer. ok reports whether the record has it as [Parse] reads it.
func (r *Record) TimeAt(came time.Time) (at time.Time, ok bool) {
	if r.Time.Year() < 2000 || r.Time.Sub(came) > soon {
		return came, false
	}
	if !r.NoZone {
		return r.Time, true
	}
	t := r.Time
	utc := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	if came.Sub(utc).Abs() < came.Sub(t).Abs() {
		return utc, utc.Equal(t)
	}
	return t, true
}
