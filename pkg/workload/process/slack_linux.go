package process

import (
	"os/exec"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// timerSlack is how late a service may wake up from a sleep; Linux allows 50 µs by default. While goroutines run, Go's
// monitor thread sleeps for 20 µs at a time, and a service that works in bursts shorter than a millisecond would spend
// a tenth of its processor time on these wake-ups. With 1 ms, an order costs hardly less than with 500 µs.
const timerSlack = 500 * time.Microsecond

// startWithSlack starts a command that wakes up from sleeps up to timerSlack late. A process inherits the slack of the
// thread that starts it: PR_SET_TIMERSLACK(2const).
func startWithSlack(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// Without the slack the service only costs more.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(timerSlack.Nanoseconds()), 0, 0, 0)
	defer func() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) }() // 0: what the thread began with
	return cmd.Start()
}
