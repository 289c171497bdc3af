package process

import (
	"crypto/rand"
	"os"
	"syscall"
	"time"
)

// MarkerEnv is the environment variable that marks everything that a run of a container starts, in whatever process
// group and below whatever parent it ends up.
const MarkerEnv = "SHOPCTL_CONTAINER"

// newMarker returns a value of MarkerEnv that no other run has.
func newMarker() string { return rand.Text() }

// endMarked kills the processes that carry a marker in a variable, the caller excepted, until there are none or a moment has
// passed.
func endMarked(variable, marker string) {
	killAll(func() []int { return markedBy(variable + "=" + marker) })
}

// endDescendants kills the processes below a process, until there are none or a moment has passed.
func endDescendants(pid int) {
	killAll(func() []int { return descendants(pid) })
}

// killAll kills what find finds, again and again: a process may start another before it is killed.
func killAll(find func() []int) {
	for deadline := time.Now().Add(emptyTimeout); ; time.Sleep(2 * time.Millisecond) {
		found := find()
		killed := 0
		for _, pid := range found {
			if pid != os.Getpid() && syscall.Kill(pid, syscall.SIGKILL) == nil {
				killed++
			}
		}
		if killed == 0 || time.Now().After(deadline) {
			return
		}
	}
}
