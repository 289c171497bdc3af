package process

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// adoptOrphans makes the calling process the parent of those of its descendants whose own parent ends:
// PR_SET_CHILD_SUBREAPER(2const). So all that a guarded command starts stays below its guard.
func adoptOrphans() error {
	return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
}

// dieWithStarter makes the kernel kill a command when the thread that starts it ends, as it does when its process is killed.
func dieWithStarter(attr *syscall.SysProcAttr) *syscall.SysProcAttr {
	attr.Pdeathsig = syscall.SIGKILL
	return attr
}

// markedBy returns the processes that run with a variable in their environment, "NAME=value", as far as the user may look.
func markedBy(variable string) []int {
	want := []byte(variable)
	var found []int
	for _, pid := range allProcesses() {
		environ, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
		if err != nil || len(environ) == 0 { // another user's, gone, or a zombie
			continue
		}
		for kv := range bytes.SplitSeq(environ, []byte{0}) {
			if bytes.Equal(kv, want) {
				found = append(found, pid)
				break
			}
		}
	}
	return found
}

// descendants returns the processes below a process that have not ended.
func descendants(pid int) []int {
	children := map[int][]int{}
	ended := map[int]bool{}
	for _, p := range allProcesses() {
		state, parent, _, err := readStat(p)
		if err != nil {
			continue // gone in the meantime
		}
		children[parent] = append(children[parent], p)
		ended[p] = state == 'Z' || state == 'X'
	}
	var found []int
	for next := children[pid]; len(next) > 0; {
		p := next[0]
		next = append(next[1:], children[p]...)
		if !ended[p] {
			found = append(found, p)
		}
	}
	return found
}

func allProcesses() []int {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil // not reached: the pattern is a constant
	}
	pids := make([]int, 0, len(dirs))
	for _, dir := range dirs {
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// readStat reads the state, the parent and the group of a process.
func readStat(pid int) (state byte, parent, group int, err error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, 0, 0, err
	}
	// After the name, which is in brackets and may hold anything: state, parent, group.
	f := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(f) < 3 {
		return 0, 0, 0, os.ErrNotExist
	}
	parent, _ = strconv.Atoi(string(f[1]))
	group, _ = strconv.Atoi(string(f[2]))
	return f[0][0], parent, group, nil
}
