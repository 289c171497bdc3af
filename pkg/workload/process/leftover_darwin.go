package process

import "syscall"

// adoptOrphans does nothing: only Linux has subreapers.
func adoptOrphans() error { return nil }

// dieWithStarter asks for nothing: only Linux has the signal.
func dieWithStarter(attr *syscall.SysProcAttr) *syscall.SysProcAttr { return attr }

// markedBy finds nothing: processes that have left their group and their parent are not searched for on macOS.
func markedBy(string) []int { return nil }

// descendants finds nothing, like markedBy.
func descendants(int) []int { return nil }
