package rundir

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// zombie is SZOMB of XNU's sys/proc.h: the process ended and its parent has not collected it yet.
const zombie = 5

// stopped is SSTOP.
const stopped = 4

// Stopped reports whether a process is stopped, by SIGSTOP or a debugger, so that it responds to nothing.
func Stopped(pid int) bool {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	return err == nil && info.Proc.P_stat == stopped
}

// readProcess reads from the kernel when a process started, in microseconds since 1970, and whether it still runs.
func readProcess(pid int) (start uint64, running bool, err error) {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return 0, false, fmt.Errorf("read process %d: %w", pid, err)
	}
	since := time.Duration(info.Proc.P_starttime.Nano())
	return uint64(since.Microseconds()), info.Proc.P_stat != zombie, nil
}
