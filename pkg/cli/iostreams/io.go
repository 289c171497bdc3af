// Package iostreams is the terminal as commands see it: streams, colors, tables and the output formats.
package iostreams

import (
	"cmp"
	"fmt"
	"io"
	"strings"
)

// ForThisShop adds --name to a hint that is a command, so that the source of the hint, such as the daemon, need not know
// the shop's name.
func (ios *IO) ForThisShop(hint string) string {
	args, ok := strings.CutPrefix(hint, "shopctl ")
	if !ok || strings.HasPrefix(args, "--name ") {
		return hint
	}
	return ios.Command(args)
}

// PrintLines writes text to standard error, each of its lines as "shopctl: what: line". Foreign text in
// it must be one line.
func (ios *IO) PrintLines(what, text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(ios.Err, "shopctl: %s: %s\n", what, strings.TrimRight(line, "\n"))
	}
}

// PrintMessage writes text to standard error as "shopctl: what: text". Further lines of it are indented, so that foreign
// text cannot pass for a message of its own.
func (ios *IO) PrintMessage(what, text string) {
	if text != "" {
		fmt.Fprintf(ios.Err, "shopctl: %s: %s\n", what, oneMessage(text))
	}
}

func oneMessage(text string) string {
	return strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}

// IO is the terminal, or its replacement in tests. [New] makes it.
type IO struct {
	In       io.Reader
	Out, Err *Writer
	// InTTY, OutTTY and ErrTTY report which of the streams are terminals.
	InTTY, OutTTY, ErrTTY bool
	// Width and Height of the terminal in cells; 0 if neither Out nor Err is one.
	Width, Height int
	// LayoutWidth is how wide text is to be where Out does not go to a terminal, in cells: COLUMNS; 0 if that is not set.
	LayoutWidth int
	// Color reports whether Out takes colors. It is valid once the flags are read, like the fields below it.
	Color bool
	// Quiet, Verbose, NoTUI, ASCII and Accessible are the global flags of these names; ShopName is --name, for the commands that
	// are printed to be pasted.
	Quiet, Verbose, NoTUI, ASCII, Accessible bool
	ShopName                                 string
}

// Columns is how wide tables and drawings are to be, in cells: the terminal's width, or COLUMNS where Out is none, or else
// otherwise.
func (ios *IO) Columns(otherwise int) int {
	if ios.OutTTY {
		return cmp.Or(ios.Width, otherwise)
	}
	return cmp.Or(ios.LayoutWidth, otherwise)
}

// Command returns a shopctl command line for this shop, ready to be pasted.
func (ios *IO) Command(args string) string {
	if ios.ShopName != "" && ios.ShopName != DefaultShop {
		return "shopctl --name " + ios.ShopName + " " + args
	}
	return "shopctl " + args
}

// Notef writes a message to standard error, unless --quiet.
func (ios *IO) Notef(format string, args ...any) {
	if !ios.Quiet {
		fmt.Fprintln(ios.Err, oneMessage(fmt.Sprintf(format, args...)))
	}
}

// Next prints commands to run next, ready to be pasted.
func (ios *IO) Next(commands ...string) {
	for _, command := range commands {
		ios.Notef("next: %s", ios.Command(command))
	}
}

// Warnf writes a warning to standard error, even with --quiet.
func (ios *IO) Warnf(format string, args ...any) {
	ios.PrintMessage("warning", fmt.Sprintf(format, args...))
}

const DefaultShop = "default"
