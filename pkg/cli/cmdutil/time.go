package cmdutil

import (
	"fmt"
	"time"
)

// ShortDuration rounds for people: "84ms", "2.9s", "3m12s", "2h5m", "4d".
func ShortDuration(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%dd", int(d.Hours())/24)
	}
}

// Age is how long ago t was, as kubectl says it.
func Age(now, t time.Time) string {
	if t.IsZero() {
		return "<unknown>"
	}
	d := now.Sub(t)
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", max(0, int(d.Seconds())))
	case d < 10*time.Minute:
		return fmt.Sprintf("%dm%ds", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return ShortDuration(d.Truncate(time.Minute))
	}
}

// ParseTime reads the value of a flag that takes a time: "5m" is five minutes before now, anything else is RFC 3339.
func ParseTime(now time.Time, flag, value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(value); err == nil {
		return now.Add(-d.Abs()), nil
	}
	t, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		return t, UsageErr("--"+flag+" 5m", "read --%s %q: want a duration or a time as in RFC 3339", flag, value)
	}
	return t, nil
}
