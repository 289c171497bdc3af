package observe

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
)

func TestWatchingDrawsInPlaceOnATerminalAndBelowElsewhere(t *testing.T) {
	var out bytes.Buffer
	ios := iostreams.New(nil, &out, nil)
	f := &cmdutil.Factory{IO: ios, Getenv: func(string) string { return "" }, Now: time.Now}
	o := &watchOptions{ios: f.IO, connect: f.Shop, now: f.Now, getenv: f.Getenv, format: iostreams.FormatTable}
	two := frame{text: func(w io.Writer) { io.WriteString(w, "one\ntwo\nthree\n") }}
	for range 2 {
		if err := o.print(two, out.Len() == 0); err != nil {
			t.Fatal(err)
		}
	}
	if got := out.String(); strings.Count(got, "one\ntwo\nthree\n") != 2 || strings.Contains(got, "\x1b") {
		t.Errorf("printed %q", got)
	}
	out.Reset()
	ios.OutTTY, ios.Width, ios.Height = true, 3, 3
	if err := o.print(two, true); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "\x1b[Hone\x1b[K\ntwo\x1b[K\n\x1b[J"; got != want {
		t.Errorf("drew %q, want %q", got, want)
	}
	out.Reset()
	ios.Accessible = true
	if err := o.print(two, true); err != nil || bytes.ContainsRune(out.Bytes(), '\x1b') {
		t.Errorf("drew %q, %v", out.String(), err)
	}
}
