package rediscart

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// lockTimeout is how long a new store waits for the previous one to release the directory.
const lockTimeout = 3 * time.Second

// lockDir makes this process the only store on dir; two would corrupt it. The kernel releases the lock when the last
// process that holds the file is gone, however it ended; a redis-server inherits it.
func lockDir(ctx context.Context, dir string) (*os.File, error) {
	if dir == "" {
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open cart store: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "redis-cart.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open cart store: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", f.Name(), err), f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("lock %s: another redis-cart uses this directory", f.Name()), f.Close())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func unlockDir(f *os.File) {
	if f != nil {
		_ = f.Close() // closing is what gives the lock back
	}
}
