package internalcmd

import (
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/workload/docker"
	"github.com/shopctl/shopctl/pkg/workload/docker/tunnel"
)

// IsPause reports whether args are those of a pause container.
func IsPause(args []string) bool { return slices.Equal(args, docker.PauseArgs) }

// RunPause is the command of a pause container. It holds the network and the processes of a pod for as long as the daemon holds its
// standard input, and carries connections to the daemon and from it. Like a service, it is recognized before any command is
// built. It is not part of the command tree because users never run it.
func RunPause(sys cmdutil.System) int {
	go reap()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tunnel.Serve(tunnel.Conn(sys.In, sys.Out, sys.In.Close))
	}()
	select {
	case <-ended:
	case <-sys.Signals:
	}
	return cmdutil.ExitOK
}

// reap collects the processes that the pod's containers leave behind: a namespace gives them to its first process.
func reap() {
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	for range children {
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
				break
			}
		}
	}
}
