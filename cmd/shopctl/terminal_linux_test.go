package main_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// terminal is a shell with job control on a pseudo terminal.
type terminal struct {
	t      *testing.T
	master *os.File
	shell  *exec.Cmd

	mu   sync.Mutex
	out  bytes.Buffer
	from int // what was waited for lies before
	more chan struct{}
	read sync.WaitGroup
}

// newTerminal starts a shell in a home of its own.
func newTerminal(t *testing.T) *terminal {
	t.Helper()
	home := t.TempDir()
	shell := exec.Command("sh", "-i")
	shell.Env = []string{
		"HOME=" + home, "PATH=" + binary.dir + string(os.PathListSeparator) + os.Getenv("PATH"), "TERM=xterm-256color", "PS1=# ", "ENV=",
		"SHOPCTL_RUN_DIR=" + filepath.Join(home, "run"), "SHOPCTL_STATE_DIR=" + filepath.Join(home, "state"),
	}
	master, err := pty.StartWithSize(shell, &pty.Winsize{Rows: 30, Cols: 120})
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{t: t, master: master, shell: shell, more: make(chan struct{}, 1)}
	term.read.Go(term.follow)
	t.Cleanup(func() {
		shell.Process.Kill() // its end hangs the terminal up, for whatever runs on it
		shell.Wait()
		term.read.Wait()
		master.Close()
	})
	return term
}

// follow keeps what is written, until the terminal is closed.
func (term *terminal) follow() {
	buf := make([]byte, 4096)
	for {
		n, err := term.master.Read(buf)
		term.mu.Lock()
		term.out.Write(buf[:n])
		term.mu.Unlock()
		select {
		case term.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (term *terminal) keys(text string) {
	term.t.Helper()
	if _, err := io.WriteString(term.master, text); err != nil {
		term.t.Fatal(err)
	}
}

// wait returns what was written up to what matches, behind what was waited for before.
func (term *terminal) wait(pattern string) string {
	term.t.Helper()
	re := regexp.MustCompile(pattern)
	ctx := term.t.Context()
	if end, ok := term.t.Deadline(); ok { // to tell what is there before the tests are killed
		var stop context.CancelFunc
		ctx, stop = context.WithDeadline(ctx, end.Add(-5*time.Second))
		defer stop()
	}
	for {
		term.mu.Lock()
		text := term.out.String()[term.from:]
		at := re.FindStringIndex(text)
		if at != nil {
			term.from += at[1]
		}
		term.mu.Unlock()
		if at != nil {
			return text[:at[1]]
		}
		select {
		case <-term.more:
		case <-ctx.Done():
			term.t.Fatalf("the terminal never showed %q after\n%q", pattern, text)
		}
	}
}

// modes are how the terminal takes keys.
func (term *terminal) modes() unix.Termios {
	term.t.Helper()
	state, err := unix.IoctlGetTermios(int(term.master.Fd()), unix.TCGETS)
	if err != nil {
		term.t.Fatal(err)
	}
	return *state
}

// screen starts the dashboard and returns its process id.
func (term *terminal) screen() int {
	term.t.Helper()
	term.keys("shopctl dash\n")
	term.wait(`the shop is not running`)
	return term.child()
}

// child is the process that the shell started.
func (term *terminal) child() int {
	term.t.Helper()
	pid := strconv.Itoa(term.shell.Process.Pid)
	text, err := os.ReadFile(filepath.Join("/proc", pid, "task", pid, "children"))
	if err != nil {
		term.t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		term.t.Fatalf("the shell's children are %q", text)
	}
	return child
}

// left checks what was written when the screen was left: the alternate screen, the cursor and pasting are what
// they were.
func (term *terminal) left(written string) {
	term.t.Helper()
	for what, pair := range map[string][2]string{
		"the alternate screen": {"\x1b[?1049h", "\x1b[?1049l"}, "the hidden cursor": {"\x1b[?25l", "\x1b[?25h"}, "marked pasting": {"\x1b[?2004h", "\x1b[?2004l"},
	} {
		on, off := strings.LastIndex(written, pair[0]), strings.LastIndex(written, pair[1])
		if off < 0 || off < on {
			term.t.Errorf("%s stays after %q", what, written[max(0, len(written)-300):])
		}
	}
}

func TestTheTerminalIsWhatItWasHoweverTheScreenIsLeft(t *testing.T) {
	signal := func(s unix.Signal) func(*terminal, int) {
		return func(term *terminal, pid int) {
			if err := unix.Kill(pid, s); err != nil {
				term.t.Fatal(err)
			}
		}
	}
	keys := func(text string) func(*terminal, int) { return func(term *terminal, _ int) { term.keys(text) } }
	for name, c := range map[string]struct {
		leave func(*terminal, int)
		exit  string
	}{
		"q":       {keys("q"), "0"},
		"ctrl+c":  {keys("\x03"), "0"},
		"SIGINT":  {signal(unix.SIGINT), "130"},
		"SIGTERM": {signal(unix.SIGTERM), "130"},
		"SIGHUP":  {signal(unix.SIGHUP), "130"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			term := newTerminal(t)
			term.wait(`# $`)
			before := term.modes()
			pid := term.screen()
			c.leave(term, pid)
			written := term.wait(`# $`)
			term.left(written)
			if got := term.modes(); got != before {
				t.Errorf("the terminal's modes are %+v, were %+v", got, before)
			}
			term.keys("echo exit=$?\n")
			if got := term.wait(`exit=\d+`); !strings.HasSuffix(got, "exit="+c.exit) {
				t.Errorf("the exit code is not %s: %q", c.exit, got)
			}
		})
	}
}

func TestAScreenThatIsStoppedGivesTheTerminalBackUntilItGoesOn(t *testing.T) {
	for name, stop := range map[string]func(*terminal, int){
		"ctrl+z": func(term *terminal, _ int) { term.keys("\x1a") },
		"SIGTSTP": func(term *terminal, pid int) {
			if err := unix.Kill(pid, unix.SIGTSTP); err != nil {
				term.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			term := newTerminal(t)
			term.wait(`# $`)
			before := term.modes()
			pid := term.screen()
			for range 2 {
				stop(term, pid)
				term.left(term.wait(`(Stopped|Suspended)[^#]*# $`))
				if got := term.modes(); got.Lflag != before.Lflag {
					t.Errorf("the terminal's modes are %+v, were %+v", got, before)
				}
				term.keys("fg\n")
				term.wait(`\x1b\[\?1049h`)
				term.wait(`the shop is not running`)
			}
			term.keys("q")
			term.left(term.wait(`# $`))
			term.keys("echo exit=$?\n")
			term.wait(`exit=0`)
		})
	}
}

func TestALessonOffersToStartAShopThatIsNotRunning(t *testing.T) {
	t.Parallel()
	term := newTerminal(t)
	term.wait(`# $`)
	term.keys("shopctl lesson tour\n")
	term.wait(`The shop "default" is not running\. Start it now\? \[Y/n\] `)
	term.keys("n\n")
	term.wait(`hint: shopctl up`)
	term.keys("echo exit=$?\n")
	term.wait(`exit=3`)

	term.keys("shopctl lesson tour\n")
	term.wait(`Start it now\? \[Y/n\] `)
	term.keys("\n")
	term.wait(`\x1b\[\?1049h`)
	term.wait(`1/\d+`) // the first of the lesson's steps
	term.keys("q")
	term.left(term.wait(`# $`))
	term.keys("shopctl down; echo exit=$?\n")
	term.wait(`exit=0`)
}
