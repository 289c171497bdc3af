package change

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

// editorCommand is the editor that kubectl opens: a command with arguments, or a line for the shell where it has quotes.
func editorCommand(getenv func(string) string) []string {
	editor := cmp.Or(getenv("KUBE_EDITOR"), getenv("EDITOR"), "vi")
	if strings.ContainsAny(editor, "\"'\\") {
		return []string{cmp.Or(getenv("SHELL"), "/bin/sh"), "-c", editor + ` "$0"`}
	}
	return strings.Fields(editor)
}

// newFile makes the file that the editor opens.
func newFile() (string, error) {
	f, err := os.CreateTemp("", "shopctl-edit-*.yaml")
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return "", cmdutil.HintErr(cmdutil.ExitEnvironment, "set TMPDIR to a directory that can be written", fmt.Errorf("edit: %w", err))
	}
	return f.Name(), nil
}

// open lets the user edit text, and returns what is saved.
func (d *edits) open(ctx context.Context, text []byte) ([]byte, error) {
	if err := os.WriteFile(d.file, text, 0o600); err != nil {
		return nil, fmt.Errorf("edit: %w", err)
	}
	cmd := exec.CommandContext(ctx, d.command[0], append(d.command[1:len(d.command):len(d.command)], d.file)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, cmdutil.HintErr(cmdutil.ExitFailed, "set KUBE_EDITOR or EDITOR to an editor", fmt.Errorf("edit: there was a problem with the editor %q: %w", strings.Join(d.command, " "), err))
	}
	saved, err := os.ReadFile(d.file)
	if err != nil {
		return nil, fmt.Errorf("edit: %w", err)
	}
	d.saved = true
	return saved, nil
}

// header are the comments above the text, in kubectl's words.
func header(reasons []string) []byte {
	var b bytes.Buffer
	b.WriteString(`# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
`)
	for _, reason := range reasons {
		fmt.Fprintf(&b, "# %s\n", strings.ReplaceAll(strings.TrimSpace(reason), "\n", "\n# "))
	}
	if len(reasons) > 0 {
		b.WriteString("#\n")
	}
	return b.Bytes()
}

// trimHeader is a text without the comments above it.
func trimHeader(text []byte) []byte {
	for bytes.HasPrefix(text, []byte("#")) {
		_, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
	}
	return text
}

// withoutComments are the lines of a text that are no comments.
func withoutComments(text []byte) []byte {
	var b bytes.Buffer
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) {
			b.Write(line)
		}
	}
	return b.Bytes()
}
