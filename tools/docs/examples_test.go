package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/shopctl/shopctl/pkg/cli/call"
	"github.com/shopctl/shopctl/pkg/lesson/command"
)

// Commands that documents show are commands of this shopctl, with flags that it has.
func TestCommandsInDocumentsExist(t *testing.T) {
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	decisions, err := filepath.Glob("../../docs/decisions/*.md")
	if err != nil {
		t.Fatal(err)
	}
	documents = append(append(documents, decisions...), "../../README.md", "../../CONTRIBUTING.md", "../../SECURITY.md")
	checked := 0
	for _, path := range documents {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range shown(string(content)) {
			checked++
			if err := exists(line); err != nil {
				t.Errorf("%s: %s: %v", filepath.Base(path), line, err)
			}
		}
	}
	if checked < 60 {
		t.Errorf("%d commands found: the test looks in the wrong place", checked)
	}
}

// redirection of output to a file, at the end of a command.
var redirection = regexp.MustCompile(` > [^\s'"]+\s*$`)

// shown returns the commands in a document's blocks of shell, and in its back quotes where they are whole.
func shown(document string) []string {
	var lines []string
	block := regexp.MustCompile("(?ms)^```+sh( run)?\n(.*?)^```")
	for _, m := range block.FindAllStringSubmatch(document, -1) {
		for line := range strings.Lines(m[2]) {
			for part := range strings.SplitSeq(line, " | ") {
				lines = append(lines, part)
			}
		}
	}
	document = block.ReplaceAllString(document, "")
	for _, m := range regexp.MustCompile("(?s)`(shopctl [^`]+)`").FindAllStringSubmatch(document, -1) {
		lines = append(lines, strings.Join(strings.Fields(m[1]), " "))
	}
	var found []string
	for _, line := range lines {
		line, _, _ = strings.Cut(line, " #")
		line, _, _ = strings.Cut(line, " < ")
		line = redirection.ReplaceAllString(line, "")
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "shopctl ") && !strings.Contains(line, "...") {
			found = append(found, line)
		}
	}
	return found
}

// exists reports what is wrong with a command line: a command or a flag that there is not.
func exists(line string) error {
	words, err := command.Split(line)
	if err != nil {
		return err
	}
	if words[1] == "help" { // what it explains is a command
		words = words[1:]
	}
	cmd, rest, err := tree().Find(words[1:])
	if err != nil {
		return err
	}
	cmd.InitDefaultHelpFlag()
	if cmd.Name() == "call" {
		rest = call.LongFlags(cmd, rest)
	}
	if err := cmd.ParseFlags(rest); err != nil && !errors.Is(err, pflag.ErrHelp) {
		return err
	}
	takesArgs := len(strings.Fields(cmd.Use)) > 1
	if args := cmd.Flags().Args(); cmd.HasSubCommands() && !takesArgs && len(args) > 0 {
		return fmt.Errorf("%s has no command %s", cmd.CommandPath(), args[0])
	}
	return nil
}

func TestACommandOrFlagThatDoesNotExistIsFound(t *testing.T) {
	for line, sound := range map[string]bool{
		"shopctl trace show last --logs":   true,
		"shopctl help exit-codes":          true,
		"shopctl trace show last --loggs":  false,
		"shopctl fault injekt payment":     false,
		"shopctl injekt payment":           false,
		"shopctl lesson tour":              true,
		"shopctl call catalog --template":  true,
		"shopctl completion --help":        true,
		"shopctl --name mono up --wait":    true,
		"shopctl up --port eight-thousand": false,
	} {
		if err := exists(line); (err == nil) != sound {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestTheIndexOfDecisionsIsComplete(t *testing.T) {
	index, err := os.ReadFile("../../docs/decisions/README.md")
	if err != nil {
		t.Fatal(err)
	}
	records, err := filepath.Glob("../../docs/decisions/0*.md")
	if err != nil || len(records) < 9 {
		t.Fatalf("%d records: %v", len(records), err)
	}
	for _, record := range records {
		if !strings.Contains(string(index), "("+filepath.Base(record)+")") {
			t.Errorf("list %s in docs/decisions/README.md", filepath.Base(record))
		}
	}
}

// Links between documents lead to files that exist.
func TestLinksInDocumentsLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../docs/decisions/*.md"} {
		documents, err := filepath.Glob(pattern)
		if err != nil || len(documents) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, path := range documents {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range link.FindAllStringSubmatch(string(content), -1) {
				if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
					t.Errorf("%s links to %s, which does not exist", filepath.Base(path), m[1])
				}
			}
		}
	}
}
