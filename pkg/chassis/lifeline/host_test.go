package lifeline_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
)

// pair is two connected Unix sockets.
func pair(t *testing.T) (a, b *net.UnixConn) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	var conns [2]*net.UnixConn
	for i, fd := range fds {
		if conns[i], err = lifeline.ConnOf(os.NewFile(uintptr(fd), "pair")); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conns[i].Close() })
	}
	return conns[0], conns[1]
}

func TestATaskArrivesWithItsFilesAndTasksStayApart(t *testing.T) {
	from, to := pair(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	long := strings.Repeat("x", 300<<10) // more than a socket takes at once
	sent := make(chan error, 1)
	go func() {
		err := lifeline.SendTask(from, lifeline.Task{ID: "a", Environ: []string{"LONG=" + long}}, w)
		err = errors.Join(err, w.Close(), lifeline.SendTask(from, lifeline.Task{ID: "a", Stop: true}))
		sent <- errors.Join(err, from.Close())
	}()
	task, files, err := lifeline.ReceiveTask(to)
	if err != nil || task.ID != "a" || len(task.Environ) != 1 || len(task.Environ[0]) != len(long)+5 || len(files) != 1 {
		t.Fatalf("task %q with %d variables and %d files, %v", task.ID, len(task.Environ), len(files), err)
	}
	if _, err := files[0].WriteString("through"); err != nil {
		t.Error(err)
	}
	files[0].Close()
	if text, err := io.ReadAll(r); err != nil || string(text) != "through" {
		t.Errorf("the pipe has %q, %v", text, err)
	}
	if task, files, err := lifeline.ReceiveTask(to); err != nil || task.ID != "a" || !task.Stop || len(files) > 0 {
		t.Errorf("task %+v with %d files, %v", task, len(files), err)
	}
	if _, _, err := lifeline.ReceiveTask(to); !errors.Is(err, io.EOF) {
		t.Errorf("after the last task: %v", err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}
