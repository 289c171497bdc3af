package iostreams

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ErrReaderGone is the cause of a context whose reader of standard output has ended: `shopctl events -f | head -1`.
var ErrReaderGone = errors.New("the reader of standard output has ended")

// readerPause is how often a pipe without a reader is noticed.
const readerPause = 200 * time.Millisecond

// WhileRead returns a context that ends when standard output has no reader any more. A write would notice it too, and a
// command that follows what happens may have nothing to write for hours.
func (ios *IO) WhileRead(ctx context.Context) context.Context {
	pipe, ok := ios.Out.w.(*os.File)
	if !ok {
		return ctx
	}
	if info, err := pipe.Stat(); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return ctx
	}
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		for ctx.Err() == nil {
			if readerGone(pipe) {
				cancel(ErrReaderGone)
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(readerPause):
			}
		}
	}()
	return ctx
}

// readerGone reports whether the other end of a pipe is closed.
func readerGone(pipe *os.File) bool {
	fds := []unix.PollFd{{Fd: int32(pipe.Fd())}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n == 1 && fds[0].Revents&(unix.POLLERR|unix.POLLHUP|unix.POLLNVAL) != 0
}
