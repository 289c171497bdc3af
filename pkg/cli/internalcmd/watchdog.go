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

// undone is what a lesson that has undone everything itself writes to its watchdog.
const undone = "done"

// undoTimeout bounds the undoing of what a lesson did.
const undoTimeout = 90 * time.Second

// StartWatchdog starts a process that lives as long as the lesson and a moment longer: it reads the end of a
// pipe that only the lesson holds open, and so notices however the lesson ends, kill -9 included. It has a
// session of its own, so that what ends the lesson's terminal or group does not end it too. end reports to it
// that nothing is left to undo, and waits for it.
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
		Use: "guard", Short: "Undo what a lesson leaves behind when it is killed; lessons start it themselves",
		Hidden: true, Args: cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return watch(cmd.Context(), f, workspaces) },
	}
}

// watch waits for the end of the lesson, and undoes what it has left.
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
