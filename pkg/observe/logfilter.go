package observe

import (
	"regexp"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/logrecord"
	"github.com/shopctl/shopctl/pkg/printable"
)

// LogFilter selects lines of a log; a field that is not set selects all.
type LogFilter struct {
	// TraceID and SpanID are ids, or their beginnings, in lower case.
	TraceID, SpanID string
	// Level is the least severe one, one of LogLevels. Lines without a level are not selected.
	Level string
	// Grep must match the line as it was written, without its colors.
	Grep *regexp.Regexp
}

// LogLevels are the levels of log lines, the least severe first.
func LogLevels() []string { return []string{"debug", "info", "warn", "error"} }

// LogLevel finds the level that a word means: "warning" is warn.
func LogLevel(word string) (string, bool) {
	l := logrecord.Level(word)
	return l, slices.Contains(LogLevels(), l)
}

// escapedEscape is how JSON writes the start of a color within a message.
const escapedEscape = `\u001b`

func containsIDs(line, trace, span string) bool {
	return strings.Contains(line, trace) && strings.Contains(line, span)
}

// pick returns a line if the filter selects it, else nil. Checks that need no parsing come first.
func (f LogFilter) pick(in *instanceLog, raw string) *LogLine {
	if f.TraceID+f.SpanID != "" && !containsIDs(strings.ToLower(raw), f.TraceID, f.SpanID) {
		return nil
	}
	_, written := logrecord.Unstamp(raw)
	if f.Grep != nil && !f.Grep.MatchString(printable.WithoutColors(written)) && !strings.Contains(raw, escapedEscape) {
		return nil
	}
	line := parseLine(in, raw)
	if f.Grep != nil && !f.Grep.MatchString(printable.WithoutColors(written)) && !f.Grep.MatchString(printable.WithoutColors(line.Message)) {
		return nil
	}
	if !strings.HasPrefix(line.TraceID, f.TraceID) || !strings.HasPrefix(line.SpanID, f.SpanID) {
		return nil
	}
	if levels := LogLevels(); f.Level != "" && slices.Index(levels, line.Level) < slices.Index(levels, f.Level) {
		return nil
	}
	return line
}
