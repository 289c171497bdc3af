package cmdutil

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
)

func Millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Rfc3339 is a time as JSON has it, "" for none.
func Rfc3339(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().UTC().Format(time.RFC3339Nano)
}

func NotNil(words []string) []string {
	if words == nil {
		return []string{}
	}
	return words
}
