package control

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/eventually"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rundir"
)

// holdDir names the shop that this test binary holds the lock and the socket of, as a daemon does that never responds.
const holdDir = "CONTROL_TEST_HOLD"

func hold() {
	dir, err := rundir.Resolve("default", os.Getenv)
	if err == nil {
		err = dir.Create()
	}
	if err == nil {
		_, err = dir.Lock()
	}
	if err == nil {
		_, err = Listen(dir)
	}
	if err != nil {
		os.Exit(1)
	}
	_, _ = os.Stdout.WriteString("held")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test ends
}

func TestADaemonThatIsStoppedIsNamedAsSuch(t *testing.T) {
	base := t.TempDir()
	env := []string{holdDir + "=1", "SHOPCTL_RUN_DIR=" + base + "/r", "SHOPCTL_STATE_DIR=" + base + "/s"}
	daemon := exec.Command(os.Args[0])
	daemon.Env = append(os.Environ(), env...)
	out, err := daemon.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := daemon.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = daemon.Process.Kill(); _ = daemon.Wait() })
	if _, err := out.Read(make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	dir, err := rundir.Resolve("default", func(name string) string {
		for _, kv := range env {
			if value, ok := strings.CutPrefix(kv, name+"="); ok {
				return value
			}
		}
		return ""
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	c, err := Dial(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	eventually.True(t, "the daemon has stopped", func() bool {
		_, err := c.Status(t.Context(), &controlpb.StatusRequest{})
		return err != nil
	})
	_, unary := c.Status(t.Context(), &controlpb.StatusRequest{})
	_, stream := c.Shutdown(t.Context(), &controlpb.ShutdownRequest{})
	for what, err := range map[string]error{"a call": unary, "a stream": stream} {
		hint, exit, _ := HintOf(err)
		if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "is stopped and does not respond") || !strings.Contains(hint, "kill -CONT") || exit != 5 {
			t.Errorf("%s: %v, hint %q, exit %d", what, err, hint, exit)
		}
	}
}
