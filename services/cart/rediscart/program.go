package rediscart

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const (
	// stopTimeout is how long a redis-server may take to exit after SIGTERM.
	stopTimeout = 3 * time.Second
	// stopSettle is how long after the program has exited the stop may arrive here: a signal to the process group
	// reaches both at once.
	stopSettle = time.Second
)

// program is a redis-server that runs as a child of this process, in its process group, so that a pause or a kill of
// the instance affects both.
type program struct {
	path, dir string
	socket    string   // where it listens; it has no port
	password  string   // empty: none
	lock      *os.File // inherited: the directory is free only when both are gone
	log       *slog.Logger
}

// badLog is in the last line of a redis-server that cannot read its log.
const badLog = "Bad file format reading the append only file"

// runOrReplace is run, but a log that redis-server cannot read is renamed, and an empty one takes its place, as the
// embedded server does with its database.
func (p program) runOrReplace(ctx context.Context, now func() time.Time) error {
	err := p.run(ctx)
	if err == nil || p.dir == "" || !strings.Contains(err.Error(), badLog) {
		return err
	}
	path := filepath.Join(p.dir, "appendonlydir")
	kept := path + ".corrupt-" + now().UTC().Format("20060102T150405.000")
	if moveErr := os.Rename(path, kept); moveErr != nil {
		return errors.Join(err, moveErr)
	}
	p.log.Warn("the stored carts are unreadable; starting with empty ones", "error", err.Error(), "file", path, "kept", kept,
		"hint", fmt.Sprintf("save what is left of them: redis-check-aof --fix '%s'/*.manifest; or delete it: rm -r '%s'", kept, kept))
	return p.run(ctx)
}

// run runs it until ctx ends, and waits for its exit.
func (p program) run(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, p.path, p.args()...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTimeout
	cmd.SysProcAttr = dieWithParent()
	cmd.Stdin = strings.NewReader(p.secrets())
	if p.lock != nil {
		cmd.ExtraFiles = []*os.File{p.lock}
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start %s: %w", p.path, err)
	}
	cmd.Stderr = cmd.Stdout
	ended := make(chan error, 1)
	go func() {
		// The signal on the parent's death follows the thread that started the child, not the
		// process (golang/go#27505): this goroutine keeps its thread until the child has ended.
		runtime.LockOSThread()
		ended <- p.startAndWait(cmd, output)
	}()
	err = <-ended
	if ctx.Err() != nil {
		return nil
	}
	if err == nil {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(stopSettle):
			err = errors.New("it exited unexpectedly")
		}
	}
	return fmt.Errorf("run %s: %w", p.path, err)
}

func (p program) startAndWait(cmd *exec.Cmd, output io.Reader) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	last := p.relay(output)
	err := cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && last != "" {
		return fmt.Errorf("%w: %s", err, last)
	}
	return err
}

func (p program) args() []string {
	args := []string{
		"--port", "0", "--unixsocket", p.socket, "--unixsocketperm", "700", "--daemonize", "no", "--logfile", "", "--loglevel", "notice",
		"--always-show-logo", "no", "--databases", "1", "--save", "",
	}
	if p.dir == "" {
		args = append(args, "--appendonly", "no")
	} else {
		// Redis writes its log before it replies, so that a kill -9 loses nothing acknowledged. This is not so with everysec:
		// while a slow disk syncs, Redis replies up to two seconds before it writes. Without syncs, a power failure may lose
		// the last writes, as it may in the embedded server.
		args = append(args, "--dir", p.dir, "--appendonly", "yes", "--appendfsync", "no")
	}
	if p.password != "" {
		args = append(args, "-") // and what is on standard input
	}
	return args
}

// secrets is the configuration for its standard input, since arguments are visible to all users of the machine. Each byte
// is escaped.
func (p program) secrets() string {
	if p.password == "" {
		return ""
	}
	var text strings.Builder
	for _, c := range []byte(p.password) {
		fmt.Fprintf(&text, `\x%02x`, c)
	}
	return `requirepass "` + text.String() + "\"\n"
}

// relay logs the program's lines until its output ends, and returns the last of them.
// A line is "12:M 23 Nov 2026 10:00:00.000 # words"; the sign is its level.
func (p program) relay(output io.Reader) (last string) {
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		level, text := slog.LevelDebug, lines.Text()
		for sign, l := range map[string]slog.Level{" # ": slog.LevelWarn, " * ": slog.LevelInfo} {
			if _, words, ok := strings.Cut(text, sign); ok {
				level, text = l, words
				break
			}
		}
		if text = strings.TrimSpace(text); text != "" {
			last = text
			p.log.Log(context.Background(), level, text, "program", "redis-server")
		}
	}
	_, _ = io.Copy(io.Discard, output) // a line too long to scan must not block the program
	return last
}
