package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// screen is what a terminal shows, while it is written.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) shows(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(s.text.String(), text)
}

func TestACommandHasThreeStreamsAndAnExitCode(t *testing.T) {
	c, _ := start(t, newDriver(), command("sleep", "60"))
	for _, tc := range []struct {
		script, in, out, err string
		code                 int
	}{
		{script: `echo "$1 $0"; echo err >&2; exit 7`, out: "b a\n", err: "err\n", code: 7},
		{script: "cat", in: "first\nlast", out: "first\nlast"},
		{script: "kill -9 $$", code: 137},
		{script: "sleep 60 & echo left", out: "left\n"},
		{script: "echo no more input is needed", in: strings.Repeat("x", 1<<20), out: "no more input is needed\n"},
	} {
		var out, errs bytes.Buffer
		started := 0
		code, err := c.Attach(t.Context(), orchestrator.Command{
			Args: []string{"sh", "-c", tc.script, "a", "b"}, Stdin: strings.NewReader(tc.in), Stdout: &out, Stderr: &errs,
		}, func() { started++ })
		if err != nil || code != tc.code || out.String() != tc.out || errs.String() != tc.err || started != 1 {
			t.Errorf("%s: code %d, %v, wrote %q and %q, started %d times", tc.script, code, err, out.String(), errs.String(), started)
		}
	}
	if _, err := c.Attach(t.Context(), orchestrator.Command{Args: []string{"./nosuch"}, Stdout: io.Discard, Stderr: io.Discard}, func() { t.Error("it has started") }); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a program that does not exist: %v", err)
	}
}

func TestACommandWithoutInputReadsNothing(t *testing.T) {
	c, _ := start(t, newDriver(), command("sleep", "60"))
	code, err := c.Attach(t.Context(), orchestrator.Command{Args: []string{"cat"}, Stdout: io.Discard, Stderr: io.Discard}, func() {})
	if code != 0 || err != nil {
		t.Errorf("code %d, %v", code, err)
	}
}

func TestACommandHasATerminalThatChangesItsSize(t *testing.T) {
	c, _ := start(t, newDriver(), command("sleep", "60"))
	in, typed := io.Pipe()
	defer in.Close()
	shown, sizes := &screen{}, make(chan orchestrator.Size)
	type end struct {
		code int
		err  error
	}
	ended := make(chan end, 1)
	go func() {
		code, err := c.Attach(t.Context(), orchestrator.Command{
			Args: []string{"sh"}, Stdin: in, Stdout: shown, TTY: true, Size: orchestrator.Size{Columns: 99, Rows: 33}, Resize: sizes,
		}, func() {})
		ended <- end{code, err}
	}()
	see := func(text string) {
		t.Helper()
		eventually.True(t, "the terminal shows "+text, func() bool { return shown.shows(text) })
	}
	io.WriteString(typed, "stty size\n")
	see("33 99")
	sizes <- orchestrator.Size{Columns: 60, Rows: 20}
	io.WriteString(typed, "stty size; tty | head -c 5; echo $TERM\n")
	see("20 60")
	see("/dev/xterm")
	io.WriteString(typed, "exit 5\n")
	if got := <-ended; got.code != 5 || got.err != nil {
		t.Errorf("ended with %+v", got)
	}
}

// A caller that ends leaves nothing running: neither the command, nor what has left its group or its terminal.
func TestACommandEndsWithItsCaller(t *testing.T) {
	for _, tty := range []bool{false, true} {
		c, _ := start(t, newDriver(), command("sleep", "60"))
		ctx, cancel := context.WithCancel(t.Context())
		out := &screen{}
		ended := make(chan error, 1)
		go func() {
			_, err := c.Attach(ctx, orchestrator.Command{
				Args:   []string{"sh", "-c", "set -m; sleep 61 & setsid sleep 62 & echo started; sleep 63"},
				Stdout: out, Stderr: out, TTY: tty,
			}, func() {})
			ended <- err
		}()
		eventually.True(t, "the command has started", func() bool { return out.shows("started") })
		mark := c.marker
		if limitsMemory { // A process between fork and exec is not seen for a moment.
			eventually.True(t, "the container's process and those of the command run", func() bool { return len(markedBy(MarkerEnv+"="+mark)) >= 5 })
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("terminal %v: ended with %v", tty, err)
		}
		eventually.True(t, "nothing of the command is left", func() bool { return len(withWord(markedBy(MarkerEnv+"="+mark), execEnv)) == 0 })
		if err := c.Stop(t.Context(), time.Second); err != nil {
			t.Error(err)
		}
	}
}

// withWord keeps those processes whose environment has a variable.
func withWord(pids []int, variable string) []int {
	var kept []int
	for _, pid := range pids {
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err == nil && strings.Contains(string(environ), variable+"=") && syscall.Kill(pid, 0) == nil {
			kept = append(kept, pid)
		}
	}
	return kept
}

// The end of the container ends a command in it.
func TestACommandEndsWithItsContainer(t *testing.T) {
	c, _ := start(t, newDriver(), command("sleep", "60"))
	running, ended := make(chan struct{}), make(chan int, 1)
	go func() {
		code, _ := c.Attach(t.Context(), orchestrator.Command{Args: []string{"sleep", "61"}, Stdout: io.Discard, Stderr: io.Discard}, func() { close(running) })
		ended <- code
	}()
	await(t, "start of the command", running)
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	if code := <-ended; limitsMemory && code != 137 {
		t.Errorf("it ended with %d", code)
	}
}
