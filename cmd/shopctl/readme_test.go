package main_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// notPasted are commands of the README's five minutes that need a terminal, with the exit code and the words that they then
// have without one.
var notPasted = map[string]string{
	"shopctl dash": "needs an interactive terminal",
}

// endless are commands that run until they are interrupted, with what they print first.
var endless = map[string]string{
	"shopctl logs -f catalog": "catalog",
}

// brokenPipe is the exit code of a program that wrote to head after that had ended.
const brokenPipe = 128 + 13

// guided are lessons, which ask for input: at its end they stop and put the shop back.
var guided = regexp.MustCompile(`^shopctl lesson (tour|grpc)\b`)

// block is the shell in a section of a document.
func block(t *testing.T, document, from, to string) []string {
	t.Helper()
	_, rest, ok := strings.Cut(document, "\n## "+from+"\n")
	section, _, end := strings.Cut(rest, "\n## "+to+"\n")
	if !ok || !end {
		t.Fatalf("the README has no section %q before %q", from, to)
	}
	var lines []string
	for _, m := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```").FindAllStringSubmatch(section, -1) {
		for line := range strings.Lines(m[1]) {
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// TestTheCommandsOfTheREADMEWorkWhenPastedInOrder runs each on a live shop, one after the other, as a reader does who pastes
// one block after the other.
func TestTheCommandsOfTheREADMEWorkWhenPastedInOrder(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines := block(t, string(content), "Five minutes", "What is in the shop")
	if len(lines) < 30 {
		t.Fatalf("%d commands found: the test looks in the wrong place", len(lines))
	}
	s := startStormShop(t)
	s.env = append(s.env, "PATH="+binary.dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	for _, line := range lines {
		command, _, _ := strings.Cut(line, " #")
		command = strings.TrimSpace(command)
		switch {
		case notPasted[command] != "":
			out, err := s.paste(t.Context(), line)
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() == 0 || !strings.Contains(out, notPasted[command]) {
				t.Errorf("%s: %v\n%s", line, err, out)
			}
		case endless[command] != "":
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			out, err := s.paste(ctx, line+" | head -n 1")
			cancel()
			if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == brokenPipe {
				err = nil
			}
			if err != nil || !strings.Contains(out, endless[command]) {
				t.Errorf("%s: %v\n%s", line, err, out)
			}
		default:
			out, err := s.paste(t.Context(), line)
			if exit, ok := errors.AsType[*exec.ExitError](err); ok && guided.MatchString(line) && exit.ExitCode() == 130 {
				err = nil
			}
			if err != nil {
				t.Errorf("%s: %v\n%s", line, err, out)
			}
		}
	}
}

// paste runs a line in a shell and returns all that it printed.
func (s *stormShop) paste(ctx context.Context, line string) (string, error) {
	cmd := exec.CommandContext(ctx, "bash", "-o", "pipefail", "-c", line)
	cmd.Env, cmd.WaitDelay = s.env, 10*time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}
