package iostreams

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"

	"github.com/shopctl/shopctl/pkg/printable"
)

// Writer is a stream that people read. Everything that commands print may hold foreign text, so it escapes all control
// characters except line feeds and tabs. Our own sequences pass because they carry the seal, a number that is drawn for
// each process: foreign text cannot know it.
type Writer struct {
	w    io.Writer
	seal string
}

// sealDigits is the number of digits of a seal.
const sealDigits = 20

// New returns an IO for streams; nil is one that is never used.
func New(in io.Reader, out, err io.Writer) *IO {
	seal := fmt.Sprintf("\x1b[%0*d;", sealDigits, rand.Uint64())
	return &IO{In: in, Out: &Writer{out, seal}, Err: &Writer{err, seal}}
}

// Write escapes p. Text that was printed in full is reported as written.
func (w *Writer) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.w, strings.ReplaceAll(w.Escape(string(p)), w.seal, "\x1b[")); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteDocument writes text that escapes control characters in the way of its format.
func (w *Writer) WriteDocument(p []byte) error {
	_, err := w.w.Write(p)
	return err
}

// Screen is the stream without escaping, for a program that draws the whole screen.
func (w *Writer) Screen() io.Writer { return w.w }

// Sequence seals a control sequence of our own, such as ansi.EraseLineRight. It begins with ESC and "[".
func (w *Writer) Sequence(csi string) string { return w.seal + strings.TrimPrefix(csi, "\x1b[") }

// Escape shows foreign sequences in text that is still to be measured or cut; what is sealed stays sealed.
func (w *Writer) Escape(text string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, w.seal)
		b.WriteString(printable.Text(before))
		if !found {
			return b.String()
		}
		end := strings.IndexFunc(after, func(r rune) bool { return r >= '@' && r <= '~' }) + 1
		b.WriteString(w.seal + after[:end])
		text = after[end:]
	}
}

// Colors seals the colors that foreign text may bring with it, and ends them after it; if standard output takes no colors,
// they are removed.
func (ios *IO) Colors(text string) string {
	if !ios.Color {
		return printable.WithoutColors(text)
	}
	open := false
	colored := printable.MapColors(text, func(parameters string) string {
		kept := printable.Readable(parameters)
		if kept == "" && parameters != "" {
			return ""
		}
		open = true
		return ios.Out.Sequence(kept + "m")
	})
	if !open {
		return colored
	}
	return colored + ios.Out.Sequence("0m")
}
