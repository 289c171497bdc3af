//go:build !linux

package rediscart

import "syscall"

// dieWithParent has nothing to offer here: the driver ends the process group of the instance.
func dieWithParent() *syscall.SysProcAttr { return nil }
