package logrecord

import "strings"

// Levels of a record, the least severe first.
const (
	Debug = "debug"
	Info  = "info"
	Warn  = "warn"
	Error = "error"
)

// Level is the level that a word means, in any case: "WARNING" and "W" are warn, "INFO+1" of slog is info. Another word is
// returned in lower case.
func Level(word string) string {
	word = strings.ToLower(strings.TrimSpace(word))
	if level, _, found := strings.Cut(word, "+"); found {
		word = level
	} else if level, number, found := strings.Cut(word, "-"); found && numeric(number) {
		word = level
	}
	if level := known(word); level != "" {
		return level
	}
	return word
}

func known(word string) string {
	switch word {
	case "trace", "debug", "verbose", "fine", "finer", "finest", "dbug", "trce", "d", "t", "v", "dbg", "trc", "silly":
		return Debug
	case "info", "information", "informational", "notice", "config", "i", "n", "inf", "http", "success":
		return Info
	case "warn", "warning", "w", "wrn":
		return Warn
	case "error", "err", "eror", "critical", "crit", "fatal", "panic", "dpanic", "alert", "emerg", "emergency", "severe", "e", "f", "c", "ftl", "failure":
		return Error
	}
	return ""
}

func syslogLevel(n int) string {
	switch {
	case n < 0 || n > 7:
		return ""
	case n <= 3:
		return Error
	case n == 4:
		return Warn
	case n <= 6:
		return Info
	}
	return Debug
}

// numberLevel reads the levels of bunyan and pino, of Monolog, and those of syslog that GELF has.
func numberLevel(n int) string {
	switch {
	case n < 10:
		return syslogLevel(n)
	case n >= 100: // Monolog
		switch {
		case n < 200:
			return Debug
		case n < 300:
			return Info
		case n < 400:
			return Warn
		}
		return Error
	case n < 30:
		return Debug
	case n < 40:
		return Info
	case n < 50:
		return Warn
	}
	return Error
}

func pythonLevel(n int) string {
	if n < 0 {
		return ""
	}
	return numberLevel(n + 10)
}

// otelLevel reads the severity numbers of OpenTelemetry.
func otelLevel(n int) string {
	switch {
	case n < 1 || n > 24:
		return ""
	case n <= 8:
		return Debug
	case n <= 12:
		return Info
	case n <= 16:
		return Warn
	}
	return Error
}
