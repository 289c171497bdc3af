package observe

import (
	"regexp"
	"slices"
	"strings"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// LogFilter says which lines of a log are wanted; what is not set does not matter.
type LogFilter struct {
	// TraceID and SpanID are ids, or their beginnings, in lower case.
	TraceID, SpanID string
	// Level is the mildest that is wanted, one of LogLevels. A line without one is not.
	Level string
	// Grep must match the line as it was written.
	Grep *regexp.Regexp
}

// LogLevels are the levels of log lines, the mildest first.
func LogLevels() []string { return []string{"debug", "info", "warn", "error"} }

// LogLevel finds the level that a word means: "warning" is warn.
func LogLevel(word string) (string, bool) {
	l := level(word)
	return l, slices.Contains(LogLevels(), l)
}

// pick reads a line if it is wanted, and returns nil otherwise. What can be told without reading it is
// looked at first.
func (f LogFilter) pick(in *instanceLog, raw string) *controlpb.LogLine {
	if !strings.Contains(raw, f.TraceID) || !strings.Contains(raw, f.SpanID) || f.Grep != nil && !f.Grep.MatchString(raw) {
		return nil
	}
	line := parseLine(in, raw)
	if !strings.HasPrefix(line.GetTraceId(), f.TraceID) || !strings.HasPrefix(line.GetSpanId(), f.SpanID) {
		return nil
	}
	if levels := LogLevels(); f.Level != "" && slices.Index(levels, line.GetLevel()) < slices.Index(levels, f.Level) {
		return nil
	}
	return line
}
