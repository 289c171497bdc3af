package cli_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/shopctl/shopctl/pkg/cli"
	"github.com/shopctl/shopctl/pkg/cli/call"
	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/lesson/command"
)

// wordsTable is the page with the commands of other tools and ours.
const wordsTable = "../../docs/kubectl.md"

// wordsRow is a row of the page: the command of another tool, and ours for it.
type wordsRow struct{ theirs, ours string }

// wordsRows are the rows whose first two cells are commands.
func wordsRows(t *testing.T) []wordsRow {
	t.Helper()
	page, err := os.ReadFile(wordsTable)
	if err != nil {
		t.Fatal(err)
	}
	var rows []wordsRow
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.ReplaceAll(line, `\|`, "\x00"), "|")
		if len(cells) != 5 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		cell := func(i int) string {
			return strings.ReplaceAll(strings.Trim(strings.TrimSpace(cells[i]), "`"), "\x00", "|")
		}
		rows = append(rows, wordsRow{cell(1), cell(2)})
	}
	if len(rows) < 50 {
		t.Fatalf("%d rows found: the test looks in the wrong place", len(rows))
	}
	return rows
}

// resolved is the command that a line means, with its flags read and its arguments checked.
func resolved(t *testing.T, line string) (*cobra.Command, error) {
	t.Helper()
	words, err := command.Split(line)
	if err != nil || words[0] != "shopctl" {
		t.Fatalf("read %q: %v", line, err)
	}
	cmd, rest, err := cli.Tree().Find(words[1:])
	if err != nil {
		return nil, err
	}
	if err := cmd.ParseFlags(rest); err != nil && !errors.Is(err, pflag.ErrHelp) {
		return nil, err
	}
	return cmd, cmd.ValidateArgs(cmd.Flags().Args())
}

func TestEachCommandInTheTableOfWordsCanBeTyped(t *testing.T) {
	for _, row := range wordsRows(t) {
		cmd, err := resolved(t, row.ours)
		switch {
		case err != nil:
			t.Errorf("%s: %v", row.ours, err)
		case !cli.Acts(cmd):
			t.Errorf("%s: is not a command", row.ours)
		}
	}
}

// theirWords are what follows the name of the other tool, in which a whole command line may be quoted.
func theirWords(t *testing.T, row wordsRow) []string {
	t.Helper()
	line := row.theirs
	for _, tool := range []string{"kubectl ", "docker compose ", "grpcurl "} {
		if rest, ok := strings.CutPrefix(line, tool); ok {
			words, err := command.Split(rest)
			if err != nil {
				t.Fatalf("read %q: %v", line, err)
			}
			return words
		}
	}
	t.Fatalf("%q is of no tool that the page is about", line)
	return nil
}

// What fingers type after shopctl that they type after another tool's name is the command of the same row, or its answer is.
func TestTheWordsOfOtherToolsAreCommandsOrAnsweredWithOne(t *testing.T) {
	w := clitest.NewWorld(t)
	for _, row := range wordsRows(t) {
		words := theirWords(t, row)
		if strings.HasPrefix(words[0], "-") {
			continue // of grpcurl: flags and no verb
		}
		want, _ := resolved(t, row.ours)
		if theirs, rest, err := cli.Tree().Find(words); err == nil && theirs.HasParent() && cli.Acts(theirs) {
			if want == nil || theirs.CommandPath() != want.CommandPath() {
				t.Errorf("%s: is %q here, and the table has %q", row.theirs, theirs.CommandPath(), row.ours)
			} else if err := theirs.ParseFlags(rest); err != nil {
				t.Errorf("%s: %v", row.theirs, err)
			}
			continue
		}
		w.Want(cmdutil.ExitUsage, append(slices.Clone(words), "--flag-of-theirs")...)
		w.WantErr(`unknown command "shopctl ` + words[0])
		if want != nil {
			w.WantErr("shopctl: hint: ")
			if text := w.Err.String(); !strings.Contains(text, want.CommandPath()) {
				t.Errorf("%s: answered %q, and the table has %q", row.theirs, text, row.ours)
			}
		}
	}
}

// A command line of grpcurl can be typed after "shopctl call" as it is.
func TestTheFlagsOfGrpcurlAreThoseOfCall(t *testing.T) {
	callCmd, _, err := cli.Tree().Find([]string{"call"})
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, row := range wordsRows(t) {
		line, ok := strings.CutPrefix(row.theirs, "grpcurl -")
		if !ok {
			continue
		}
		words, err := command.Split("-" + line)
		if err != nil {
			t.Fatal(err)
		}
		tried++
		cmd, _, err := cli.Tree().Find([]string{"call"})
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.ParseFlags(call.LongFlags(callCmd, words)); err != nil {
			t.Errorf("%s: %v", row.theirs, err)
		} else if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
			t.Errorf("%s: %v", row.theirs, err)
		}
	}
	if tried < 15 {
		t.Errorf("%d rows tried", tried)
	}
}
