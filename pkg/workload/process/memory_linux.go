package process

import (
	"bytes"
	"os"
	"strconv"
	"strings"
)

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
	children, err := os.ReadFile(proc + "/task/" + strconv.Itoa(pid) + "/children")
	if err != nil {
		return total
	}
	for _, child := range strings.Fields(string(children)) {
		if n, err := strconv.Atoi(child); err == nil {
			total += privateMemory(n)
		}
	}
	return total
}
