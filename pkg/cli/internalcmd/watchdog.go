package internalcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/lesson/restore"
)

// undone is the message of a lesson to its watchdog that it has undone its changes itself.
const undone = "done"

// undoTimeout limits the time to undo the changes of a lesson.
const undoTimeout = 90 * time.Second

// StartWatchdog starts a process that outlives the lesson: it reads from a pipe that only the lesson holds open, and so
// notices every end of the lesson, including kill -9. It runs in its own session, so that signals to the lesson's terminal
// or process group do not reach it. end reports that nothing is left to undo, and waits for the process.
func StartWatchdog(f *cmdutil.Factory) (end func() error, err error) {
	cmd := exec.Command(f.Executable, "--name", f.IO.ShopName, "lesson", "guard")
	cmd.Env, cmd.SysProcAttr = f.Environ, &syscall.SysProcAttr{Setsid: true}
	pipe, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start the lesson's watchdog: %w", err)
	}
	return func() error {
		_, err := io.WriteString(pipe, undone)
		if err = errors.Join(err, pipe.Close(), cmd.Wait()); err != nil {
			return fmt.Errorf("end the lesson's watchdog: %w", err)
		}
		return nil
	}, nil
}

func NewWatchdogCmd(f *cmdutil.Factory, workspaces func() (dir string, err error)) *cobra.Command {
	return &cobra.Command{
		Use: "guard", Short: "Undo the changes of a lesson that is killed; started by lessons",
		Hidden: true, Args: cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return watch(cmd.Context(), f, workspaces) },
	}
}

// watch waits for the end of the lesson, and undoes its remaining changes.
func watch(ctx context.Context, f *cmdutil.Factory, workspaces func() (dir string, err error)) error {
	last, err := io.ReadAll(io.LimitReader(f.IO.In, int64(len(undone))))
	if err != nil || string(last) == undone {
		return err
	}
	shop, err := f.Shop(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	dir, err := workspaces()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("undo a lesson: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, undoTimeout)
	defer cancel()
	return restore.Recover(ctx, restore.Config{Shop: shop, Dir: dir, Now: f.Now})
}
