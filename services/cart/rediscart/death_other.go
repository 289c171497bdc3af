//go:build !linux

package rediscart

import "syscall"

// dieWithParent does nothing on this system: the driver ends the process group of the instance.
func dieWithParent() *syscall.SysProcAttr { return nil }
