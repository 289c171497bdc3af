package rundir

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// DaemonLog is the file that the daemon writes its own log to.
func (d Dir) DaemonLog() string { return filepath.Join(d.State, daemonLogName) }

// PreviousDaemonLog is the log of the daemon before.
func (d Dir) PreviousDaemonLog() string { return d.DaemonLog() + previousSuffix }

// KeepDaemonLog makes room for the log of a new daemon. That of the last one is kept.
func (d Dir) KeepDaemonLog() error {
	info, err := os.Lstat(d.DaemonLog())
	if err != nil || info.Size() == 0 {
		return ignoreMissing(err)
	}
	if err := os.Rename(d.DaemonLog(), d.PreviousDaemonLog()); err != nil {
		return fmt.Errorf("keep log of the last daemon: %w", err)
	}
	return nil
}

// Crash is the line with which a Go program that wrote a log says why it crashed; empty if it did not. What follows
// the line is the stack.
func Crash(log string) string {
	f, err := os.Open(log)
	if err != nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		for _, word := range []string{"panic: ", "fatal error: ", "runtime: out of memory"} {
			if strings.HasPrefix(lines.Text(), word) {
				return strings.TrimSpace(lines.Text())
			}
		}
	}
	return ""
}
