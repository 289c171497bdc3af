package workload

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
)

// lastLogLines are the last lines of a container that exited, without those that repeat what is known.
func lastLogLines(e Exit, lines []string) string {
	if e.Signal == syscall.SIGKILL {
		return "" // it had no time to log why
	}
	var words []string
	for _, line := range lines {
		if (e.Reason == "" || !strings.Contains(line, e.Reason)) && !slices.Contains(words, line) {
			words = append(words, line)
		}
	}
	return strings.Join(words, " | ")
}

func describeExit(e Exit) string {
	text := fmt.Sprintf("exited with code %d", e.Code)
	switch {
	case e.Signal == syscall.SIGKILL:
		text = "killed (SIGKILL)"
	case e.Signal != 0:
		text = "ended by signal " + e.Signal.String()
	case e.Code < 0:
		text = "did not start"
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}
