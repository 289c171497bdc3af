package process

// groupLives reports whether a member of a process group still runs. Orphans that have ended, but that the
// system's first process has not collected yet, do not count.
func groupLives(pgid int) bool {
	pids := allProcesses()
	for _, pid := range pids {
		if state, _, group, err := readStat(pid); err == nil && group == pgid && state != 'Z' && state != 'X' {
			return true
		}
	}
	return len(pids) == 0 // /proc is not mounted: assume the worst
}
