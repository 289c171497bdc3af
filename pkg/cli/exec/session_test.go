package exec

import (
	"bytes"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// A terminal gets no control characters of a command that has none of its own, and whole characters however they come.
func TestATerminalGetsCleanText(t *testing.T) {
	var out bytes.Buffer
	ios := iostreams.New(nil, &out, &out)
	s := &session{ios: ios, start: &controlpb.ExecStart{}}
	w := s.output(ios.Out, true)
	for _, part := range []string{"caf\xc3", "\xa9 \x1b", "[2J \xf0\x9f", "\x98\x80\n", "end\xe2"} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.HasPrefix(text, "café ") || strings.Contains(text, "\x1b") || !strings.Contains(text, "[2J 😀\nend") {
		t.Errorf("written %q", text)
	}
	out.Reset()
	s.start.Tty = true
	if _, err := s.output(ios.Out, true).Write([]byte("\x1b[2J")); err != nil || out.String() != "\x1b[2J" {
		t.Errorf("with a terminal of its own: %q, %v", out.String(), err)
	}
}
