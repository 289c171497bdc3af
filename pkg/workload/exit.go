package workload

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// sigkill is the number of SIGKILL.
const sigkill = 9

// signalName is the name of a signal that commonly ends programs. The numbers of these are the same on every system,
// so that they hold for a container on another one too.
func signalName(number int) string {
	names := map[int]string{
		1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 8: "SIGFPE", sigkill: "SIGKILL",
		11: "SIGSEGV", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
	}
	if name, ok := names[number]; ok {
		return name
	}
	return fmt.Sprintf("signal %d", number)
}

// startFailure is the exit of a container that did not start.
func startFailure(err error) Exit {
	return Exit{Code: startErrorCode, Reason: StartError, Message: err.Error()}
}

// lastLogLines are the last lines of a container that exited, without those that repeat what is known.
func lastLogLines(e Exit, lines []string) string {
	if e.Signal == sigkill {
		return "" // it had no time to log why
	}
	var words []string
	for _, line := range lines {
		if (e.Message == "" || !strings.Contains(line, e.Message)) && !slices.Contains(words, line) {
			words = append(words, line)
		}
	}
	return strings.Join(words, " | ")
}

func describeExit(e Exit) string {
	text := fmt.Sprintf("exited with code %d", e.Code)
	switch {
	case e.Reason == OOMKilled:
		text = "killed for its use of memory (OOMKilled)"
	case e.Signal == sigkill:
		text = "killed (SIGKILL)"
	case e.Signal != 0:
		text = "ended by " + signalName(e.Signal)
	case e.Reason == StartError:
		text = "did not start"
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// backOff makes a container wait for its restart, longer after each exit in a row.
func (c *Controller) backOff(k *container, exit Exit, lines []string, now time.Time) {
	p := k.pod
	k.quick++
	k.exits = append(k.exits, now)
	for len(k.exits) > 0 && now.Sub(k.exits[0]) > crashWindow {
		k.exits = k.exits[1:]
	}
	pause := backoffAfter(k.quick)
	k.phase, k.retryAt = backingOff, now.Add(pause)
	k.reason, k.outOfMemory = describeExit(exit), exit.Reason == OOMKilled
	if words := lastLogLines(exit, lines); words != "" {
		k.reason += ": " + words
	}
	c.event(true, "Exited", p.owner, p.name, k.label()+k.reason)
	if len(k.exits) >= crashLimit {
		if !k.crashloop {
			c.event(true, "CrashLoop", p.owner, p.name, k.label()+fmt.Sprintf("%d exits in a minute; next start in %s", len(k.exits), pause))
		}
		k.crashloop = true
		return
	}
	c.event(true, "BackOff", p.owner, p.name, k.label()+fmt.Sprintf("next start in %s", pause))
}

// label begins a message about a container; empty where it is the only one of its pod.
func (k *container) label() string {
	switch {
	case len(k.pod.containers) == 1:
		return ""
	case k.kind == orchestrator.InitContainer:
		return "init container " + k.name + ": "
	}
	return "container " + k.name + ": "
}
