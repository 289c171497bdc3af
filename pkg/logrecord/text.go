package logrecord

import "strings"

// scanned is how many words at the start of a line may hold its level: those of a date, a process and a thread come before it.
const scanned = 10

// TextLevel is the level of a line that is not JSON, where it shows: by a field level=, by a word in capitals or
// brackets at the start of the line, or by how the end of a program begins. It is info if nothing shows another.
func TextLevel(line string) string {
	if level := crash(line); level != "" {
		return level
	}
	if level := klog(line); level != "" {
		return level
	}
	if level := logfmt(line); level != "" {
		return level
	}
	words := strings.FieldsFunc(line[:min(len(line), 512)], func(r rune) bool { return r == ' ' || r == '\t' || r == '|' })
	for i, word := range words {
		if i == scanned {
			break
		}
		if level := levelWord(word, i == 0); level != "" {
			return level
		}
		named := i+1 < len(words) && words[i+1] == "-" // "TIME - LOGGER - LEVEL - ..." of Python
		if !named && !preamble(word) {
			break
		}
	}
	return Info
}

// crash recognizes the first lines that runtimes print when a program ends on its own fault.
func crash(line string) string {
	for _, start := range [...]string{
		"panic: ", "fatal error: ", "Traceback (most recent call last)", "Exception in thread", "Unhandled exception", "Uncaught ", "thread '", "goroutine ",
		"SIGSEGV", "Segmentation fault", "npm ERR!", "node:internal/",
	} {
		if strings.HasPrefix(line, start) {
			if start == "thread '" && !strings.Contains(line, "panicked at") || start == "goroutine " && !strings.HasSuffix(line, "]:") {
				return ""
			}
			return Error
		}
	}
	return ""
}

// klog reads the first letter of "E1129 20:00:00.123456".
func klog(line string) string {
	if len(line) < 7 || !strings.Contains("IWEF", line[:1]) || strings.Trim(line[1:5], "0123456789") != "" || line[5] != ' ' {
		return ""
	}
	return known(strings.ToLower(line[:1]))
}

func logfmt(line string) string {
	for _, name := range [...]string{"level=", "lvl=", "severity="} {
		at := strings.Index(line, name)
		if at < 0 || at > 0 && line[at-1] != ' ' {
			continue
		}
		word, _, _ := strings.Cut(line[at+len(name):], " ")
		if level := known(Level(strings.Trim(word, `"',;`))); level != "" {
			return level
		}
	}
	return ""
}

// levelWord reads a word that stands where loggers write a level. Words in lower case count in brackets only, or before a
// colon at the very start.
func levelWord(word string, isFirst bool) string {
	if word == "#" { // of Redis
		return Warn
	}
	bracketed := strings.HasPrefix(word, "[") || strings.HasPrefix(word, "<") || strings.HasPrefix(word, "(")
	bare := strings.Trim(word, "[]<>()*,;")
	name, rest, colon := strings.Cut(bare, ":")
	if bracketed && colon && rest != "" {
		name = bare[strings.LastIndexByte(bare, ':')+1:] // "core:error" of Apache
	}
	if len(name) < 3 {
		return ""
	}
	capitals := name == strings.ToUpper(name)
	start := isFirst && colon
	if capitals || bracketed || start {
		return known(strings.ToLower(name))
	}
	return ""
}

// preamble reports whether a word can come before the level: part of a date, a number, or in brackets.
func preamble(word string) bool {
	switch strings.Trim(word, "[](),") {
	case "UTC", "GMT", "CET", "CEST", "AM", "PM", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun",
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "-", "":
		return true
	}
	return strings.ContainsAny(word[:1], "0123456789[+-(") || strings.HasSuffix(word, "]")
}
