package cmdutil

import (
	"time"

	"github.com/shopctl/shopctl/pkg/humanize"
)

// Age is how long ago t was, as kubectl prints it.
func Age(now, t time.Time) string {
	if t.IsZero() {
		return "<unknown>"
	}
	return humanize.Age(max(0, now.Sub(t)))
}

// ParseTime reads the value of a flag that takes a time: "5m" is five minutes before now, anything else is RFC 3339.
func ParseTime(now time.Time, flag, value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(value); err == nil {
		if d < 0 {
			return time.Time{}, UsageErr("--"+flag+" "+d.Abs().String(), "read --%s %s: want a duration before now, which is not below zero, or an RFC 3339 time", flag, value)
		}
		return now.Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		return t, UsageErr("--"+flag+" 5m", "read --%s %q: want a duration or an RFC 3339 time", flag, value)
	}
	return t, nil
}
