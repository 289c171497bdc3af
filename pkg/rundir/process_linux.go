package rundir

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// readProcess reads from /proc when a process started, in clock ticks since boot (field 22 of stat), and
// whether it still runs: a zombie (state Z or X in field 3) does not.
func readProcess(pid int) (start uint64, running bool, err error) {
	content, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, false, fmt.Errorf("read process %d: %w", pid, err)
	}
	// The second field is the command's name in brackets and may hold anything, brackets included.
	fields := bytes.Fields(content[bytes.LastIndexByte(content, ')')+1:])
	if len(fields) < 20 {
		return 0, false, fmt.Errorf("read process %d: short stat", pid)
	}
	start, err = strconv.ParseUint(string(fields[19]), 10, 64)
	if err != nil {
		return 0, false, fmt.Errorf("read process %d: %w", pid, err)
	}
	state := fields[0][0]
	return start, state != 'Z' && state != 'X', nil
}

// Stopped reports whether a process is stopped, by SIGSTOP or a debugger, so that it responds to nothing.
func Stopped(pid int) bool {
	content, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	fields := bytes.Fields(content[bytes.LastIndexByte(content, ')')+1:])
	return len(fields) > 0 && (fields[0][0] == 'T' || fields[0][0] == 't')
}
