package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/eventually"
)

// escapes are the ways in which a shell starts the script "$1" so that it leaves the group, and keeps the output.
var escapes = map[string]string{
	"a session of its own":        `setsid sh "$1" &`,
	"a second fork":               `(setsid sh "$1" &) &`,
	"a session without variables": `env -i PATH="$PATH" setsid sh "$1" &`,
	"a background job":            `sh "$1" &`,
	"a session without output":    `setsid sh "$1" >/dev/null 2>&1 &`,
}

// escaping returns the words of a command that starts a process which escapes and writes its id to a file, and then
// runs then.
func escaping(t *testing.T, how, then string) (words []string, pidFile string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		how = escapes["a background job"] // nothing else is found
	}
	dir := t.TempDir()
	pidFile = filepath.Join(dir, "pid")
	inner := "echo $$ >$0.new && mv $0.new " + pidFile + "; exec sleep 300"
	outer := "set -- " + filepath.Join(dir, "inner") + "; " + how + " while ! [ -e " + pidFile + " ]; do :; done; " + then
	for name, script := range map[string]string{"inner": inner, "outer": outer} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"sh", filepath.Join(dir, "outer")}, pidFile
}

// escaped is the process that wrote its id to a file.
func escaped(t *testing.T, pidFile string) int {
	t.Helper()
	var pid int
	eventually.True(t, "the process that escapes runs", func() bool {
		content, err := os.ReadFile(pidFile)
		if err != nil {
			return false
		}
		pid, err = strconv.Atoi(strings.TrimSpace(string(content)))
		return err == nil
	})
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	return pid
}

// runs reports whether a process runs; one that waits to be collected does not.
func runs(pid int) bool {
	out, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && !strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
}

func TestAnExitIsNoticedAndWhatEscapedIsEnded(t *testing.T) {
	for name, how := range escapes {
		t.Run(name, func(t *testing.T) {
			words, pidFile := escaping(t, how, "echo done; exit 3")
			c, out := start(t, newDriver(), command(words...))
			await(t, "exit", c.Done())
			if e := c.Exit(); e.Code != 3 {
				t.Errorf("exit %+v, want code 3", e)
			}
			if pid := escaped(t, pidFile); runs(pid) {
				t.Errorf("process %d outlived its container", pid)
			}
			if !strings.Contains(out.all(), "done\n") {
				t.Errorf("output %q", out.all())
			}
		})
	}
}

func TestAStoppedOrKilledContainerLeavesNothingThatEscaped(t *testing.T) {
	end := map[string]func(*container) error{
		"stop": func(c *container) error { return c.Stop(context.Background(), 10*time.Second) },
		"stop without grace": func(c *container) error {
			return c.Stop(context.Background(), 0)
		},
		"kill":           (*container).Kill,
		"pause and kill": func(c *container) error { _ = c.Pause(); return c.Kill() },
		"guard killed":   func(c *container) error { return syscall.Kill(c.pgid, syscall.SIGKILL) },
	}
	for name, f := range end {
		t.Run(name, func(t *testing.T) {
			words, pidFile := escaping(t, escapes["a second fork"], "sleep 300")
			c, _ := start(t, newDriver(), command(words...))
			pid := escaped(t, pidFile)
			if err := f(c); err != nil {
				t.Fatal(err)
			}
			await(t, "exit", c.Done())
			if runs(pid) {
				t.Errorf("process %d outlived its container", pid)
			}
		})
	}
}

func TestAKilledDaemonLeavesNothingThatEscaped(t *testing.T) {
	for _, env := range []string{"", "HOLD_PAUSED=1"} {
		words, pidFile := escaping(t, escapes["a second fork"], "sleep 300")
		holder := exec.Command(os.Args[0], "holder")
		holder.Env = append(os.Environ(), "HOLD_COMMAND="+strings.Join(words, " "), "HOLD_ESCAPED="+pidFile, env)
		out, err := holder.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := holder.Start(); err != nil {
			t.Fatal(err)
		}
		var pgid int
		if _, err := fmt.Fscan(out, &pgid); err != nil {
			t.Fatal(err)
		}
		pid := escaped(t, pidFile)
		_ = holder.Process.Kill()
		_ = holder.Wait()
		eventually.True(t, "nothing is left", func() bool { return !groupLives(pgid) && !runs(pid) })
	}
}

func TestACommandInAContainerDoesNotWaitForWhatItLeavesBehind(t *testing.T) {
	c, _ := start(t, newDriver(), command("sleep", "300"))
	words, pidFile := escaping(t, escapes["a session of its own"], "echo well")
	out, err := c.Exec(t.Context(), words)
	if err != nil || string(out) != "well\n" {
		t.Errorf("output %q, error %v; want success", out, err)
	}
	pid := escaped(t, pidFile)
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	await(t, "exit", c.Done())
	if runs(pid) {
		t.Errorf("process %d outlived its container", pid)
	}
}

func TestTheOutputOfACommandInAContainerIsBounded(t *testing.T) {
	c, _ := start(t, newDriver(), command("sleep", "300"))
	out, err := c.Exec(t.Context(), []string{"sh", "-c", "head -c 1000000 /dev/zero"})
	if err != nil || len(out) != maxExecOutput {
		t.Errorf("%d bytes, error %v; want the first %d", len(out), err, maxExecOutput)
	}
}
