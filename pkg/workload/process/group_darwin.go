package process

import "golang.org/x/sys/unix"

// zombie is SZOMB of XNU's sys/proc.h: the process ended and its parent has not collected it yet.
const zombie = 5

// groupLives reports whether a member of a process group still runs. Orphans that have ended, but that the
// system's first process has not collected yet, do not count.
func groupLives(pgid int) bool {
	members, err := unix.SysctlKinfoProcSlice("kern.proc.pgrp", pgid)
	if err != nil {
		return true // the kernel refuses to list them: assume the worst
	}
	for _, m := range members {
		if m.Proc.P_stat != zombie {
			return true
		}
	}
	return false
}
