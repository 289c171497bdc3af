package daemon

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/rundir"
)

// readyEnv names the variable with the file descriptor on which a spawned daemon reports.
const readyEnv = "SHOPCTL_READY_FD"

// SpawnOptions describe how to start a daemon in the background.
type SpawnOptions struct {
	Dir rundir.Dir
	// Executable and Args start it: "shopctl", ["daemon", "--name", "default"].
	Executable string
	Args       []string
	// Environ is its environment.
	Environ []string
}

// Spawn starts a daemon that outlives this process and its terminal, and returns when it can be
// reached or has reported why it cannot.
func Spawn(ctx context.Context, o SpawnOptions) error {
	if err := o.Dir.Create(); err != nil {
		return explainDirectory(err, o.Dir)
	}
	if pid, alive := o.Dir.Holder(); alive {
		return control.WithHint(fmt.Errorf("start shop %q: %w (pid %d)", o.Dir.Name, rundir.ErrLocked, pid), "shopctl status", 1)
	}
	if err := o.Dir.KeepDaemonLog(); err != nil {
		return explainDirectory(err, o.Dir)
	}
	log, err := os.OpenFile(o.Dir.DaemonLog(), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return explainDirectory(fmt.Errorf("open daemon log: %w", err), o.Dir)
	}
	defer log.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start daemon: %w", err)
	}
	defer r.Close()
	cmd := exec.Command(o.Executable, o.Args...)
	cmd.Env = append(o.Environ[:len(o.Environ):len(o.Environ)], readyEnv+"=3")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{w}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	_ = w.Close()
	if err != nil {
		return fmt.Errorf("start daemon: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer stop()
	err = awaitReady(r)
	if err == nil {
		return cmd.Process.Release()
	}
	_ = cmd.Wait() // it reported why, or its log has it
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, errSilent) {
		return control.WithHint(fmt.Errorf("start daemon: it exited before it was ready%s", tail(o.Dir.DaemonLog())), "cat "+o.Dir.DaemonLog(), 1)
	}
	return err
}

// message is the one report of a starting daemon.
type message struct {
	OK    bool   `json:"ok,omitempty"`
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
	Exit  int    `json:"exit,omitempty"`
}

var errSilent = errors.New("no report")

func awaitReady(r io.Reader) error {
	line, err := bufio.NewReader(r).ReadBytes('\n')
	if err != nil {
		return errSilent
	}
	var m message
	if err := json.Unmarshal(line, &m); err != nil {
		return errSilent
	}
	if m.OK {
		return nil
	}
	return control.WithHint(errors.New(m.Error), m.Hint, m.Exit)
}

// report writes one message.
type report struct {
	w    io.Writer
	once sync.Once
}

func newReport(w io.Writer) *report { return &report{w: w} }

func (r *report) ok() { r.send(message{OK: true}) }

func (r *report) failed(err error) {
	m := message{Error: err.Error()}
	if st, ok := status.FromError(err); ok {
		m.Error = st.Message()
	}
	if text, exit, ok := control.HintOf(err); ok {
		m.Hint, m.Exit = text, exit
	}
	r.send(m)
}

func (r *report) send(m message) {
	r.once.Do(func() {
		if r.w == nil {
			return
		}
		line, err := json.Marshal(m)
		if err == nil {
			_, _ = r.w.Write(append(line, '\n')) // the reader may be gone
		}
		if c, ok := r.w.(io.Closer); ok {
			_ = c.Close()
		}
	})
}

// ReadyPipe is where a daemon that Spawn started reports; nil if nothing waits for it.
func ReadyPipe(getenv func(string) string) io.Writer {
	fd, err := strconv.Atoi(getenv(readyEnv))
	if err != nil || fd < 3 {
		return nil
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "ready")
}

// tail is the end of a file, for an error.
func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	last := bytes.Join(lines[max(0, len(lines)-5):], []byte("\n"))
	if len(last) == 0 {
		return ""
	}
	return ": " + strings.TrimSpace(string(last))
}
