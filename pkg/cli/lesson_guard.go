package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/lesson/restore"
)

// lessonDone is what a lesson that has undone everything itself tells its guard.
const lessonDone = "done"

// lessonGuard is a process that lives as long as the lesson and a moment longer: it reads the end of a
// pipe that only the lesson holds open, and so notices however the lesson ends, kill -9 included. It has a
// session of its own, so that what ends the lesson's terminal or group does not end it too.
type lessonGuard struct {
	cmd  *exec.Cmd
	pipe io.WriteCloser
}

// guardLesson starts the guard. Without one a lesson can be taken as well; what it leaves when it is
// killed is then undone when the next one begins.
func guardLesson(f *Factory) *lessonGuard {
	cmd := exec.Command(f.Executable, "--name", f.IO.ShopName, "lesson", "guard")
	cmd.Env, cmd.SysProcAttr = f.Environ, &syscall.SysProcAttr{Setsid: true}
	pipe, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		f.IO.warnf("start the lesson's guard: %v", err)
		return nil
	}
	return &lessonGuard{cmd: cmd, pipe: pipe}
}

// end tells the guard that nothing is left to undo, and waits for it.
func (g *lessonGuard) end() error {
	if g == nil {
		return nil
	}
	_, err := io.WriteString(g.pipe, lessonDone)
	err = errors.Join(err, g.pipe.Close(), g.cmd.Wait())
	if err != nil {
		return fmt.Errorf("end the lesson's guard: %w", err)
	}
	return nil
}

func newLessonGuardCmd(f *Factory) *cobra.Command {
	return &cobra.Command{
		Use: "guard", Short: "Undo what a lesson leaves behind when it is killed; lessons start it themselves",
		Hidden: true, Args: exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return guard(cmd.Context(), f) },
	}
}

func guard(ctx context.Context, f *Factory) error {
	said, err := io.ReadAll(io.LimitReader(f.IO.In, int64(len(lessonDone))))
	if err != nil || string(said) == lessonDone {
		return err
	}
	shop, err := f.Shop(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	_, workspaces, err := lessonProgress(f)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(workspaces, 0o700); err != nil {
		return fmt.Errorf("undo a lesson: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, leaveTime)
	defer cancel()
	return restore.Recover(ctx, restore.Config{Shop: shop, Dir: workspaces, Now: f.Now})
}
