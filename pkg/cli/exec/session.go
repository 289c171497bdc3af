package exec

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"unicode/utf8"

	"golang.org/x/term"
	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// session is one command that runs, between its streams and ours.
type session struct {
	stream grpc.BidiStreamingClient[controlpb.ExecRequest, controlpb.ExecResponse]
	ios    *iostreams.IO
	start  *controlpb.ExecStart
	// sending is held by the one that sends: input and sizes come at once.
	sending sync.Mutex
}

// run runs the command to its end, and returns its exit code.
func (s *session) run() (code int, err error) {
	if s.start.GetTty() {
		restore, err := s.takeTerminal()
		if err != nil {
			return 0, err
		}
		defer restore()
	}
	if err := s.send(&controlpb.ExecRequest{Step: &controlpb.ExecRequest_Start{Start: s.start}}); err != nil {
		return 0, s.lost(err)
	}
	switch {
	case s.start.GetStdin():
		go s.pump()
	case !s.start.GetTty():
		s.end()
	}
	return s.receive()
}

// send sends one request. The reason why it cannot comes with the responses.
func (s *session) send(req *controlpb.ExecRequest) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	return s.stream.Send(req)
}

func (s *session) end() {
	s.sending.Lock()
	defer s.sending.Unlock()
	_ = s.stream.CloseSend() // it has no error
}

// maxInput is how much of standard input one request holds.
const maxInput = 32 << 10

// pump sends standard input to its end, or that of the command.
func (s *session) pump() {
	buffer := make([]byte, maxInput)
	for {
		n, err := s.ios.In.Read(buffer)
		if n > 0 && s.send(&controlpb.ExecRequest{Step: &controlpb.ExecRequest_Stdin{Stdin: buffer[:n]}}) != nil {
			return
		}
		if err != nil {
			s.end()
			return
		}
	}
}

// receive writes what the command writes, until it ends.
func (s *session) receive() (int, error) {
	out, errs := s.output(s.ios.Out, s.ios.OutTTY), s.output(s.ios.Err, s.ios.ErrTTY)
	for {
		resp, err := s.stream.Recv()
		if err != nil {
			return 0, s.lost(err)
		}
		switch step := resp.GetStep().(type) {
		case *controlpb.ExecResponse_Stdout:
			_, err = out.Write(step.Stdout)
		case *controlpb.ExecResponse_Stderr:
			_, err = errs.Write(step.Stderr)
		case *controlpb.ExecResponse_ExitCode:
			return int(step.ExitCode), errors.Join(out.Flush(), errs.Flush())
		}
		if err != nil {
			return 0, fmt.Errorf("write what the command wrote: %w", err)
		}
	}
}

// lost is the error of a connection that has ended before the command. That of a request says no more than io.EOF.
func (s *session) lost(err error) error {
	if errors.Is(err, io.EOF) {
		if _, reason := s.stream.Recv(); reason != nil && !errors.Is(reason, io.EOF) {
			return reason
		}
		return cmdutil.HintErr(cmdutil.ExitFailed, "shopctl ps --instances", errors.New("lost connection to pod"))
	}
	return err
}

// output is where a stream of the command goes: as it is where it has a terminal of its own or ours is none, and else cleaned
// as everything that a terminal gets.
func (s *session) output(w *iostreams.Writer, terminal bool) *wholeRunes {
	if terminal && !s.start.GetTty() {
		return &wholeRunes{w: w, text: true}
	}
	return &wholeRunes{w: w.Screen()}
}

// wholeRunes writes text without cutting a character in two, and bytes as they come.
type wholeRunes struct {
	w    io.Writer
	text bool
	rest []byte
}

// Write writes all but the beginning of a character.
func (r *wholeRunes) Write(p []byte) (int, error) {
	if !r.text {
		return r.w.Write(p)
	}
	all := append(r.rest, p...)
	cut := len(all)
	for back := 1; back < utf8.UTFMax && back <= len(all); back++ {
		if b := all[len(all)-back:]; utf8.RuneStart(b[0]) {
			if !utf8.FullRune(b) {
				cut -= back
			}
			break
		}
	}
	r.rest = append([]byte(nil), all[cut:]...)
	if _, err := r.w.Write(all[:cut]); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes what no more bytes complete.
func (r *wholeRunes) Flush() error {
	if len(r.rest) == 0 {
		return nil
	}
	_, err := r.w.Write(r.rest)
	return err
}

// takeTerminal hands our terminal to the command: what is typed goes to it as it is, and it learns of other sizes.
func (s *session) takeTerminal() (restore func(), err error) {
	restore = func() {}
	if in, ok := s.ios.In.(*os.File); ok && s.start.GetStdin() && s.ios.InTTY {
		before, err := term.MakeRaw(int(in.Fd()))
		if err != nil {
			return nil, fmt.Errorf("take the terminal: %w", err)
		}
		restore = func() { _ = term.Restore(int(in.Fd()), before) } // it was a terminal a moment ago
	} else if s.start.GetStdin() {
		s.ios.Notef("Unable to use a TTY - input is not a terminal or the right kind of file")
	}
	s.start.Size = s.size()
	changes := make(chan os.Signal, 1)
	signal.Notify(changes, syscall.SIGWINCH)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-changes:
				if s.send(&controlpb.ExecRequest{Step: &controlpb.ExecRequest_Resize{Resize: s.size()}}) != nil {
					return
				}
			case <-done:
				return
			}
		}
	}()
	back := restore
	return func() {
		signal.Stop(changes)
		close(done)
		back()
	}, nil
}

// size is that of our terminal; nil if there is none.
func (s *session) size() *controlpb.TerminalSize {
	for _, stream := range []any{s.ios.Out.Screen(), s.ios.In} {
		file, ok := stream.(*os.File)
		if !ok {
			continue
		}
		if columns, rows, err := term.GetSize(int(file.Fd())); err == nil {
			return &controlpb.TerminalSize{Columns: uint32(columns), Rows: uint32(rows)}
		}
	}
	return nil
}
