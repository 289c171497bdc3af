package process

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
)

// groupLives reports whether a member of a process group still runs. Orphans that have ended, but that the
// system's first process has not collected yet, do not count.
func groupLives(pgid int) bool {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		return true // /proc is not mounted: assume the worst
	}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // ended in the meantime
		}
		// After the name, which is in brackets: state, parent, group.
		f := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(f) > 2 && string(f[2]) == strconv.Itoa(pgid) && f[0][0] != 'Z' && f[0][0] != 'X' {
			return true
		}
	}
	return false
}
