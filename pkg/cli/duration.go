package cli

import (
	"fmt"
	"time"
)

// shortDuration rounds for people: "84ms", "2.9s", "3m12s", "2h5m", "4d".
func shortDuration(d time.Duration) string {
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

// age is how long ago t was, as kubectl says it.
func (f *Factory) age(t time.Time) string {
	if t.IsZero() {
		return "<unknown>"
	}
	d := f.Now().Sub(t)
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", max(0, int(d.Seconds())))
	case d < 10*time.Minute:
		return fmt.Sprintf("%dm%ds", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return shortDuration(d.Truncate(time.Minute))
	}
}

// sinceFlag reads "5m" as five minutes ago, and RFC 3339 as it is.
func (f *Factory) sinceFlag(value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(value); err == nil {
		return f.Now().Add(-d.Abs()), nil
	}
	t, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		return t, usageErr("--since 5m", "read --since %q: want a duration or a time as in RFC 3339", value)
	}
	return t, nil
}
