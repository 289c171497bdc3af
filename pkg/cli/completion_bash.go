package cli

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/shellword"
)

// bashScript asks bashCommand, which knows how bash quotes and where it breaks words: cobra's script needs the package
// bash-completion, and sees nothing of a word whose quote is open.
//
//go:embed completion.bash
var bashScript string

// bashCommand completes a line of bash. It prints what to do besides (files, dirs, nospace; or nothing), then a candidate on a
// line, each in place of the text that readline replaces; those of a listing have a description.
const bashCommand = "__bash"

// listing is COMP_TYPE when bash lists the candidates.
const listing = "63"

func newBashCmd(f *cmdutil.Factory) *cobra.Command {
	return cmdutil.Exits(&cobra.Command{
		Use: bashCommand + " LINE TYPE", Short: "Complete a line of bash", Hidden: true, DisableFlagParsing: true,
		Args: cmdutil.Exactly(2, "a line and a type"),
		RunE: func(cmd *cobra.Command, args []string) error {
			words, last := splitLine(args[0])
			if len(words) == 0 {
				return nil
			}
			var out bytes.Buffer
			root := NewRoot(f)
			root.SetArgs(append([]string{cobra.ShellCompRequestCmd}, append(words[1:], last.text)...))
			root.SetOut(&out)
			root.SetErr(io.Discard)
			if err := root.ExecuteContext(cmd.Context()); err != nil {
				return nil // There is nothing to offer, and no place for the reason.
			}
			_, err := io.WriteString(f.IO.Out, bashReply(out.String(), last, args[1] == listing))
			return err
		},
	}, cmdutil.ExitOK, cmdutil.ExitUsage)
}

// lastWord is the word that is being typed: its text without quotes, the quote that is open ('\”, '"', or 0), and how much of
// the text stands before the place where readline begins to replace.
type lastWord struct {
	text  string
	quote byte
	fixed int
}

// wordBreaks are what bash breaks words at to complete them, besides white space and quotes ($COMP_WORDBREAKS).
const wordBreaks = "@><=;|&(:"

// splitLine splits a line as bash does into the words before the last one, and the last, which may be empty.
func splitLine(line string) (words []string, last lastWord) {
	var word strings.Builder
	begun, quote, fixed := false, byte(0), 0
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\' && quote != '\'' && i+1 < len(line):
			i++
			if quote == '"' && !strings.ContainsRune("\"\\$`", rune(line[i])) {
				word.WriteByte(c)
			}
			word.WriteByte(line[i])
			begun = true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, begun, fixed = c, true, word.Len()
		case quote == 0 && (c == ' ' || c == '\t'):
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun, fixed = false, 0
		default:
			word.WriteByte(c)
			begun = true
			if quote == 0 && strings.IndexByte(wordBreaks, c) >= 0 {
				fixed = word.Len()
			}
		}
	}
	return words, lastWord{word.String(), quote, fixed}
}

// bashReply turns the reply of cobra's completion into that of bashCommand.
func bashReply(reply string, last lastWord, list bool) string {
	lines := strings.Split(strings.TrimSpace(reply), "\n")
	var directive cobra.ShellCompDirective
	if n, err := strconv.Atoi(strings.TrimPrefix(lines[len(lines)-1], ":")); err == nil {
		directive = cobra.ShellCompDirective(n)
	}
	var todo, candidates []string
	if directive&cobra.ShellCompDirectiveNoSpace != 0 {
		todo = append(todo, "nospace")
	}
	if directive&(cobra.ShellCompDirectiveFilterFileExt|cobra.ShellCompDirectiveError) == 0 {
		for _, line := range lines[:len(lines)-1] {
			if c := last.candidate(line, list); c != "" {
				candidates = append(candidates, c)
			}
		}
	}
	switch {
	case directive&cobra.ShellCompDirectiveFilterDirs != 0:
		todo, candidates = append(todo, "dirs"), nil
	case len(candidates) == 0 && directive&(cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveError) == 0:
		todo = append(todo, "files")
	}
	return strings.Join(append([]string{strings.Join(todo, " ")}, candidates...), "\n") + "\n"
}

// candidate is a line of cobra's completion, "word TAB description", as readline inserts it; empty if it does not go on from what
// is typed.
func (l lastWord) candidate(line string, list bool) string {
	word, description, _ := strings.Cut(line, "\t")
	typed, fixed := l.text, l.fixed
	if flag, value, ok := strings.Cut(typed, "="); ok && strings.HasPrefix(flag, "--") {
		typed, fixed = value, max(fixed-len(flag)-1, 0) // cobra completes the value alone
	}
	if !strings.HasPrefix(word, typed) || strings.HasPrefix(word, "_activeHelp_") {
		return ""
	}
	text := word[fixed:]
	switch {
	case list && description != "":
		return fmt.Sprintf("%s  (%s)", text, description)
	case list:
		return text
	case l.quote == '\'':
		return strings.ReplaceAll(text, "'", `'\''`)
	case l.quote == '"':
		return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(text)
	case l.text == "":
		return shellword.Quote(text)
	}
	return escape.Replace(text)
}

// escape puts a backslash before what bash would not take as it is.
var escape = strings.NewReplacer(escapes()...)

func escapes() (pairs []string) {
	for _, c := range " \t'\"\\$`*?[]{}()<>|&;!#~" {
		pairs = append(pairs, string(c), `\`+string(c))
	}
	return pairs
}
