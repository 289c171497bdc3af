package daemon

import (
	"fmt"
	"syscall"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
)

// minOpenFiles is the least limit on open files that a shop starts with: it holds some ten for each service, and one
// or two for each call.
const minOpenFiles = 256

// checkOpenFiles returns an error if a process may open too few files. The Go runtime has raised the limit as far as it
// may.
func checkOpenFiles() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return nil // it is not known
	}
	return enoughOpenFiles(limit.Cur)
}

func enoughOpenFiles(limit uint64) error {
	if limit >= minOpenFiles {
		return nil
	}
	return control.Error(codes.FailedPrecondition, fmt.Sprintf("start the shop: a process may have %d files open, and a shop needs at least %d", limit, minOpenFiles), "ulimit -n 4096", 5)
}
