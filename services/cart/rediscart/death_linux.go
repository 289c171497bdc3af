package rediscart

import "syscall"

// dieWithParent makes the kernel kill the child when its parent is gone, even after kill -9.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
