package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// limitsMemory: memory limits have an effect on this system.
const limitsMemory = true

// privateMemory is the private memory of a process and its descendants in bytes (smaps_rollup's
// Private_Clean and Private_Dirty); 0 when it cannot be read. Resident set size would count
// the pages of the one binary once for every process.
func privateMemory(pid int) int64 {
	proc := "/proc/" + strconv.Itoa(pid)
	rollup, err := os.ReadFile(proc + "/smaps_rollup")
	if err != nil {
		return 0
	}
	var kib int64
	for line := range bytes.Lines(rollup) {
		if f := strings.Fields(string(line)); len(f) == 3 && strings.HasPrefix(f[0], "Private_") && f[0] != "Private_Hugetlb:" {
			n, _ := strconv.ParseInt(f[1], 10, 64)
			kib += n
		}
	}
	total := kib << 10
	for _, child := range childrenOf(pid) {
		total += privateMemory(child)
	}
	return total
}

// anonymousMemory is the memory of a process and its descendants that no file holds, in bytes: what it has allocated. It
// takes microseconds, where privateMemory walks through the page tables.
func anonymousMemory(pid int) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	var size, resident, shared int64 // in pages; shared are those of files and of shared memory
	if _, err := fmt.Sscan(string(text), &size, &resident, &shared); err != nil {
		return 0
	}
	total := max(0, resident-shared) * int64(os.Getpagesize())
	for _, child := range childrenOf(pid) {
		total += anonymousMemory(child)
	}
	return total
}

// ticks are the kernel's units of processor time per second (USER_HZ), the same on all architectures of Go.
const ticks = 100

// processorTime is what a process and its descendants, also those that have ended, have used, in seconds; false if it
// cannot be read.
func processorTime(pid int) (float64, bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, false
	}
	// The name, in parentheses, may hold anything. After it come the state and so on: proc_pid_stat(5).
	f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(f) < 15 {
		return 0, false
	}
	var total float64
	for _, field := range f[11:15] { // utime, stime, and those of children that have ended
		n, _ := strconv.ParseFloat(field, 64)
		total += n / ticks
	}
	for _, child := range childrenOf(pid) {
		used, _ := processorTime(child) // one that has just ended counts with its parent
		total += used
	}
	return total, true
}

// childrenOf are the processes that the threads of a process have started, or that it has adopted. They are found only
// where the kernel lists them (CONFIG_PROC_CHILDREN).
func childrenOf(pid int) []int {
	tasks := "/proc/" + strconv.Itoa(pid) + "/task/"
	threads, err := os.ReadDir(tasks)
	if err != nil {
		return nil
	}
	var pids []int
	for _, thread := range threads {
		children, err := os.ReadFile(tasks + thread.Name() + "/children")
		if err != nil {
			continue
		}
		for _, child := range strings.Fields(string(children)) {
			if n, err := strconv.Atoi(child); err == nil {
				pids = append(pids, n)
			}
		}
	}
	return pids
}
