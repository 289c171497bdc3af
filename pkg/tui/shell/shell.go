// Package shell completes the command lines that are typed on the screen, and remembers them.
package shell

import (
	"slices"
	"strings"
)

// Verb is a command that can be typed: "fault inject", "SERVICE", "Make calls fail or slow down".
type Verb struct {
	Name, Args, Short string
}

// Choice is one way to go on with a line.
type Choice struct {
	// Text is the line as it would be, Short what the verb does.
	Text, Short string
	// Fill replaces the typed line when the choice is taken.
	Fill string
}

// Words are what lines are completed with.
type Words struct {
	Verbs    []Verb
	Services []string
	// Methods are those of a service, nil while they are not known.
	Methods func(service string) []string
}

// Clean is a line without the name of the program before it.
func Clean(line string) string {
	line = strings.TrimLeft(line, " ")
	if line == "shopctl" {
		return ""
	}
	return strings.TrimPrefix(line, "shopctl ")
}

// Verb finds the verb that a line begins with; rest reports whether more follows.
func (w Words) Verb(line string) (v Verb, rest, ok bool) {
	for _, known := range w.Verbs {
		after, found := strings.CutPrefix(line, known.Name)
		if found && len(known.Name) > len(v.Name) && (after == "" || after[0] == ' ') {
			v, rest, ok = known, after != "", true
		}
	}
	return v, rest, ok
}

// Calls returns the service whose method is typed next in a line of the verb call; ok is false anywhere else.
func Calls(line string) (service string, ok bool) {
	words := strings.Split(strings.TrimLeft(Clean(line), " "), " ")
	if len(words) == 3 && words[0] == "call" && words[1] != "" {
		return words[1], true
	}
	return "", false
}

// Complete returns the ways to go on with a line: its verb, then services, and after call SERVICE methods.
func (w Words) Complete(line string) []Choice {
	line = Clean(line)
	v, rest, ok := w.Verb(line)
	if !ok || !rest {
		var all []Choice
		for _, v := range w.Verbs {
			if strings.HasPrefix(v.Name, strings.TrimSpace(line)) {
				all = append(all, Choice{Text: strings.TrimSpace(v.Name + " " + v.Args), Short: v.Short, Fill: v.Name + " "})
			}
		}
		return all
	}
	usage := Choice{Text: strings.TrimSpace(v.Name + " " + v.Args), Short: v.Short, Fill: line}
	head, word := line[:strings.LastIndex(line, " ")+1], line[strings.LastIndex(line, " ")+1:]
	var all []Choice
	for _, name := range w.names(v, line) {
		if strings.HasPrefix(strings.ToLower(name), strings.ToLower(word)) && name != word {
			all = append(all, Choice{Text: head + name, Fill: head + name + " "})
		}
	}
	if word != "" && len(all) > 0 {
		return append(all, usage)
	}
	return append([]Choice{usage}, all...)
}

// names are what the last word of a line can be.
func (w Words) names(v Verb, line string) []string {
	if v.Name == "call" {
		if service, ok := Calls(line); ok {
			return w.Methods(service)
		}
		if strings.Count(line, " ") > 1 {
			return nil // the request
		}
	}
	if !strings.Contains(v.Args, "SERVICE") {
		return nil
	}
	return w.Services
}

// maxHistory is how many lines are remembered.
const maxHistory = 200

// History is the lines of a session, the oldest first.
type History struct {
	lines []string
	// at is how far back the line on the screen is; 0: it is a new one.
	at int
}

// Add remembers a line; a line that was typed before becomes the newest.
func (h *History) Add(line string) {
	h.at = 0
	if line == "" {
		return
	}
	h.lines = append(slices.DeleteFunc(h.lines, func(old string) bool { return old == line }), line)
	h.lines = h.lines[max(len(h.lines)-maxHistory, 0):]
}

// Browsing reports whether an old line is on the screen.
func (h *History) Browsing() bool { return h.at > 0 }

// Leave ends the browsing.
func (h *History) Leave() { h.at = 0 }

// Move goes to an older line, or to a newer one if by is negative; the newest is followed by an empty one. ok is false if
// there is none.
func (h *History) Move(by int) (line string, ok bool) {
	at := h.at + by
	if at < 0 || at > len(h.lines) {
		return "", false
	}
	h.at = at
	if at == 0 {
		return "", true
	}
	return h.lines[len(h.lines)-at], true
}
