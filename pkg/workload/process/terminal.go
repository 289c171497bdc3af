package process

import (
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// endOfInput is what a terminal takes for the end of its input: Ctrl+D.
const endOfInput = "\x04"

// runOnTerminal runs a command in a session of its own on a new terminal.
func runOnTerminal(cmd *exec.Cmd, command orchestrator.Command, started func()) error {
	ours, theirs, err := openTerminal()
	if err != nil {
		return err
	}
	defer ours.Close()
	resize(ours, command.Size)
	cmd.SysProcAttr = dieWithStarter(&syscall.SysProcAttr{Setsid: true, Setctty: true})
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	err = cmd.Start()
	_ = theirs.Close()
	if err != nil {
		return err
	}
	started()
	done := make(chan struct{})
	defer close(done)
	go followSizes(ours, command.Resize, done)
	if command.Stdin != nil {
		go func() {
			_, _ = io.Copy(ours, command.Stdin)
			_, _ = io.WriteString(ours, endOfInput)
		}()
	}
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		_, _ = io.Copy(command.Stdout, ours) // it ends with an error when no process has the terminal any more
	}()
	err = cmd.Wait()
	_ = ours.SetReadDeadline(time.Now().Add(outputDelay)) // something in the background may hold it
	<-copied
	return err
}

// openTerminal returns both ends of a new terminal. A read of ours ends when it is closed.
func openTerminal() (ours, theirs *os.File, err error) {
	opened, theirs, err := pty.Open()
	if err != nil {
		return nil, nil, err
	}
	defer opened.Close()
	fd, err := unix.FcntlInt(opened.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		return nil, nil, err
	}
	return os.NewFile(uintptr(fd), "terminal"), theirs, nil
}

// followSizes gives the terminal each size that comes until done.
func followSizes(terminal *os.File, sizes <-chan orchestrator.Size, done <-chan struct{}) {
	for {
		select {
		case size := <-sizes:
			resize(terminal, size)
		case <-done:
			return
		}
	}
}

// resize gives the terminal a size, if that is known. The kernel notifies the processes on it.
func resize(terminal *os.File, size orchestrator.Size) {
	if size == (orchestrator.Size{}) {
		return
	}
	raw, err := terminal.SyscallConn()
	if err != nil {
		return // it is closed
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Col: size.Columns, Row: size.Rows})
	})
}
