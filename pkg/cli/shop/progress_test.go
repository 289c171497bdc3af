package shop

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// starting is a shop of three services whose progress is shown.
func starting() *controlpb.StatusResponse {
	return &controlpb.StatusResponse{
		Services: []*controlpb.Service{
			{Name: "cart", State: "ok"}, {Name: "payment", State: "starting", Message: "waits for the first probe"}, {Name: "redis-cart", State: "ok"},
		},
		Startup: []*controlpb.StartupStep{
			{Service: "redis-cart", Ready: durationpb.New(31 * time.Millisecond)},
			{Service: "cart", After: "redis-cart", Ready: durationpb.New(84 * time.Millisecond)},
			{Service: "payment", Ready: durationpb.New(40 * time.Millisecond)},
		},
	}
}

// terminal is a command line that only writes to err.
func terminal(err *bytes.Buffer, term string) *cmdutil.Factory {
	return &cmdutil.Factory{IO: iostreams.New(nil, nil, err), Getenv: func(string) string { return term }}
}

func TestProgressIsALiveBlockOnATerminal(t *testing.T) {
	var out bytes.Buffer
	f := terminal(&out, "xterm")
	f.IO.ErrTTY, f.IO.Width = true, 30
	p := newProgress(f.IO, f.Getenv)
	st := starting()
	p.show(st)
	p.show(st)
	p.clear()
	got := out.String()
	if n := strings.Count(got, "\x1b[3F"); n != 2 {
		t.Errorf("the cursor went up %d times, want 2: %q", n, got)
	}
	if !strings.HasSuffix(got, "\x1b[J") {
		t.Errorf("the block stays: %q", got)
	}
	for line := range strings.Lines(strings.ReplaceAll(got, "\x1b[K", "")) {
		if text := strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "\x1b[3F"); len([]rune(text)) > 29 {
			t.Errorf("line %q does not fit", text)
		}
	}
}

func TestProgressIsALineAServiceElsewhere(t *testing.T) {
	for name, change := range map[string]func(*iostreams.IO){
		"pipe":       func(*iostreams.IO) {},
		"accessible": func(ios *iostreams.IO) { ios.ErrTTY, ios.Width, ios.Accessible = true, 80, true },
		"dumb":       func(ios *iostreams.IO) { ios.ErrTTY, ios.Width = true, 80 },
	} {
		var out bytes.Buffer
		f := terminal(&out, name)
		change(f.IO)
		p := newProgress(f.IO, f.Getenv)
		p.show(starting())
		p.show(starting())
		p.clear()
		want := "redis-cart is ready after 31ms\ncart is ready after 84ms\npayment is ready after 40ms\n"
		if got := out.String(); got != want {
			t.Errorf("%s: wrote %q, want %q", name, got, want)
		}
	}
}

func TestACriticalChainWithoutAnEndIsCut(t *testing.T) {
	chain := criticalChain([]*controlpb.StartupStep{
		{Service: "a", After: "b", Ready: durationpb.New(2 * time.Second)},
		{Service: "b", After: "a", Ready: durationpb.New(time.Second)},
	})
	if len(chain) != 2 || chain[1].GetService() != "a" {
		t.Errorf("chain: %v", chain)
	}
	if criticalChain(nil) != nil {
		t.Error("nothing has a chain")
	}
}
