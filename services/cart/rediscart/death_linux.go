package rediscart

import "syscall"

// dieWithParent makes the kernel kill the child when its parent is gone, killed by -9 too.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
