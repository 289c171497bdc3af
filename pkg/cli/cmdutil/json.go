package cmdutil

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
)

func Millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// RFC3339 formats a time for JSON, "" for none.
func RFC3339(t *timestamppb.Timestamp) string {
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
