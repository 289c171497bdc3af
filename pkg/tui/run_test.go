package tui

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/shopctl/shopctl/pkg/tui/effect"
	"github.com/shopctl/shopctl/pkg/tui/tuitest"
)

// terminal is a pseudo terminal with a screen on it.
type terminal struct {
	t      *testing.T
	master *os.File
	tty    *os.File
	before *unix.Termios

	mu   sync.Mutex
	out  bytes.Buffer
	more chan struct{}
	read sync.WaitGroup
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{t: t, master: master, tty: tty, more: make(chan struct{}, 1)}
	term.resize(30, 120)
	term.before = term.state()
	term.read.Go(func() {
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
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
	})
	return term
}

func (term *terminal) state() *unix.Termios {
	term.t.Helper()
	state, err := unix.IoctlGetTermios(int(term.tty.Fd()), getTermios)
	if err != nil {
		term.t.Fatal(err)
	}
	return state
}

func (term *terminal) resize(rows, columns uint16) {
	term.t.Helper()
	if err := pty.Setsize(term.master, &pty.Winsize{Rows: rows, Cols: columns}); err != nil {
		term.t.Fatal(err)
	}
}

// wait returns once text has been written.
func (term *terminal) wait(text string) {
	term.t.Helper()
	term.waitTimes(text, 1)
}

// waitTimes returns once text has been written a number of times.
func (term *terminal) waitTimes(text string, times int) {
	term.t.Helper()
	for {
		term.mu.Lock()
		found := strings.Count(term.out.String(), text) >= times
		term.mu.Unlock()
		if found {
			return
		}
		select {
		case <-term.more:
		case <-term.t.Context().Done():
			term.t.Fatalf("the screen never showed %q", text)
		}
	}
}

// restored checks that the terminal is in its original state.
func (term *terminal) restored() {
	term.t.Helper()
	if got := term.state(); *got != *term.before {
		term.t.Errorf("the terminal's modes are %+v, were %+v", got, term.before)
	}
	term.tty.Close()
	term.read.Wait()
	term.master.Close()
	out := term.out.String()
	for _, pair := range [][2]string{{"\x1b[?1049h", "\x1b[?1049l"}, {"\x1b[?25l", "\x1b[?25h"}, {"\x1b[?2004h", "\x1b[?2004l"}} {
		on, off := strings.LastIndex(out, pair[0]), strings.LastIndex(out, pair[1])
		if on >= 0 && off < on {
			term.t.Errorf("%q is not undone", pair[0])
		}
	}
}

func onTerminal(term *terminal, shop *tuitest.Shop) Config {
	return Config{
		In: term.tty, Out: term.tty, Environ: []string{"TERM=xterm-256color"}, Name: "default", Now: tuitest.Noon,
		Dial: func(context.Context) (Shop, error) { return shop, nil },
		Run:  func(context.Context, []string, int, io.Writer) (int, error) { return 0, nil },
	}
}

func TestTheTerminalIsRestoredOnEveryWayOut(t *testing.T) {
	interrupted := errors.New("interrupted")
	for name, c := range map[string]struct {
		leave func(term *terminal, stop context.CancelCauseFunc, shop *tuitest.Shop)
		want  func(err error) bool
	}{
		"quitting": {
			func(term *terminal, _ context.CancelCauseFunc, _ *tuitest.Shop) { io.WriteString(term.master, "q") },
			func(err error) bool { return err == nil },
		},
		"interrupting": {
			func(term *terminal, _ context.CancelCauseFunc, _ *tuitest.Shop) { io.WriteString(term.master, "\x03") },
			func(err error) bool { return err == nil },
		},
		"a signal": {
			func(_ *terminal, stop context.CancelCauseFunc, _ *tuitest.Shop) { stop(interrupted) },
			func(err error) bool { return errors.Is(err, interrupted) },
		},
		"a panic in the feed": {
			func(_ *terminal, _ context.CancelCauseFunc, shop *tuitest.Shop) { shop.Snapshots <- nil },
			func(err error) bool { return err != nil && strings.Contains(err.Error(), "read from the shop") },
		},
		"a panic in what a key does": {
			func(term *terminal, _ context.CancelCauseFunc, shop *tuitest.Shop) {
				shop.OnEdit = func() { panic("an edit") }
				io.WriteString(term.master, "r")
			},
			func(err error) bool {
				return err != nil && strings.HasPrefix(err.Error(), "run the command of a key: an edit\n")
			},
		},
		"a panic in drawing": {
			func(term *terminal, _ context.CancelCauseFunc, _ *tuitest.Shop) { io.WriteString(term.master, "5") },
			func(err error) bool {
				return err != nil && strings.HasPrefix(err.Error(), "draw the screen: no clock\n")
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			term, shop := newTerminal(t), tuitest.NewShop()
			ctx, stop := context.WithCancelCause(t.Context())
			defer stop(nil)
			ended := make(chan error)
			screen := onTerminal(term, shop)
			if name == "a panic in drawing" {
				screen.Now = brokenClock()
			}
			go func() { ended <- RunDash(ctx, screen) }()
			shop.Snapshots <- tuitest.BrokenStatus()
			term.wait("recommendation")
			c.leave(term, stop, shop)
			if err := <-ended; !c.want(err) {
				t.Errorf("the screen ends with %v", err)
			}
			term.restored()
		})
	}
}

// brokenClock works once, for the creation of the screen, and panics for the ages in the details.
func brokenClock() func() time.Time {
	var told atomic.Bool
	return func() time.Time {
		if told.Swap(true) {
			panic("no clock")
		}
		return tuitest.Noon()
	}
}

func TestAPanicInHandlingAKeyEndsTheScreenInOrder(t *testing.T) {
	s := dash(t, Config{}, tuitest.Status())
	s.keys = append(s.keys, binding{keys: []string{"Z"}, name: "fail", do: func(*model, string) tea.Cmd { panic("a key") }})
	s.press("Z")
	if !slices.Contains(s.ran, "quit") || s.crash == nil || !strings.HasPrefix(s.crash.Error(), "handle a message: a key\n") {
		t.Errorf("did %v, crash %v", s.ran, s.crash)
	}
	if content := s.View().Content; content != "" {
		t.Errorf("draws %q", content)
	}
}

// fakeStop does not stop the process, and resumes at once.
type fakeStop struct {
	caught chan os.Signal
	halted chan struct{}
}

func (s *fakeStop) Catch() (<-chan os.Signal, func()) { return s.caught, func() {} }

func (s *fakeStop) Halt() error {
	s.halted <- struct{}{}
	return nil
}

func TestTheReasonWhyAScreenCannotBeSuspendedIsShown(t *testing.T) {
	s := dash(t, Config{}, tuitest.Status())
	s.send(effect.Resumed{Err: errors.New("there is no shell to go back to")})
	s.wantText("ctrl+z suspend: there is no shell to go back to")
}

func TestAScreenStopsByItsKeyAndBySignal(t *testing.T) {
	for name, begin := range map[string]func(*terminal, *fakeStop){
		"ctrl+z":   func(term *terminal, _ *fakeStop) { io.WriteString(term.master, "\x1a") },
		"a signal": func(_ *terminal, stop *fakeStop) { stop.caught <- unix.SIGTSTP },
	} {
		t.Run(name, func(t *testing.T) {
			term, shop := newTerminal(t), tuitest.NewShop()
			stop := &fakeStop{caught: make(chan os.Signal), halted: make(chan struct{})}
			c := onTerminal(term, shop)
			c.Stop = stop
			ctx, end := context.WithCancel(t.Context())
			defer end()
			ended := make(chan error)
			go func() { ended <- RunDash(ctx, c) }()
			shop.Snapshots <- tuitest.Status()
			term.wait("recommendation")
			begin(term, stop)
			term.wait("\x1b[?1049l")
			term.resize(15, 50)
			<-stop.halted
			term.wait("1-10 of 12") // drawn in the size that the terminal has now
			end()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("the screen ends with %v", err)
			}
			term.restored()
		})
	}
}

func TestALessonIsShownBesideTheShop(t *testing.T) {
	term, shop := newTerminal(t), tuitest.NewShop()
	session := newFakeSession(predicting())
	session.told = make(chan string)
	ended := make(chan error)
	go func() { ended <- RunLesson(t.Context(), onTerminal(term, shop), session) }()
	shop.Snapshots <- tuitest.Status()
	term.wait("recommendation")
	io.WriteString(term.master, "32")
	if got := <-session.told; got != "predict status fairly" {
		t.Errorf("3 and 2 do %q", got)
	}
	io.WriteString(term.master, "q")
	if err := <-ended; err != nil {
		t.Error(err)
	}
	term.restored()
}
