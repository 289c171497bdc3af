package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// ErrLocked reports that a running daemon holds the lock.
var ErrLocked = errors.New("the shop is already running")

// Lock is held by the daemon for as long as it lives.
type Lock struct {
	dir  Dir
	file *os.File
}

// Lock takes the shop's lock, or fails with ErrLocked at once. The run directory must exist
// and be verified.
func (d Dir) Lock() (*Lock, error) {
	for {
		f, err := os.OpenFile(d.lockFile(), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, fmt.Errorf("open lock: %w", err)
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, ErrLocked
			}
			return nil, fmt.Errorf("lock %s: %w", d.lockFile(), err)
		}
		if !sameFile(f, d.lockFile()) {
			f.Close() // the directory was cleaned between our open and our lock
			continue
		}
		l := &Lock{dir: d, file: f}
		// The last holder may have removed the mark since Create.
		if err := errors.Join(mark(d.Run), l.writePID()); err != nil {
			f.Close()
			return nil, err
		}
		return l, nil
	}
}

func (l *Lock) writePID() error {
	err := l.file.Truncate(0)
	if err == nil {
		_, err = l.file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		return fmt.Errorf("write lock: %w", err)
	}
	return nil
}

// Release releases the lock and leaves the directory as it is.
func (l *Lock) Release() error { return l.file.Close() }

// Remove removes our files from the run directory, and the directory unless it contains others; then it releases the
// lock.
func (l *Lock) Remove() error {
	dir := l.dir.Run
	err := ignoreMissing(os.Remove(l.dir.socket))
	others, removeErr := removeOwn(dir, runNames(), lockName, markerName)
	err = errors.Join(err, removeErr)
	if !others {
		err = errors.Join(err, ignoreMissing(os.Remove(filepath.Join(dir, markerName))))
	}
	err = errors.Join(err, ignoreMissing(os.Remove(l.dir.lockFile())))
	if !others {
		_ = os.Remove(dir) // not empty when the next daemon is already there
	}
	return errors.Join(err, l.file.Close())
}

// Reset removes our files from the state directory, and the directory unless it contains others.
func (l *Lock) Reset() error {
	if err := l.dir.VerifyState(); err != nil {
		return err
	}
	dir := l.dir.State
	others, err := removeOwn(dir, stateNames(), markerName)
	if err != nil || others {
		return err // it stays marked
	}
	return errors.Join(ignoreMissing(os.Remove(filepath.Join(dir, markerName))), ignoreMissing(os.Remove(dir)))
}

// Holder is the process id of the daemon that holds the lock, and whether there is one.
func (d Dir) Holder() (pid int, alive bool) {
	f, err := os.OpenFile(d.lockFile(), os.O_RDWR, 0)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	if syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil {
		return 0, false
	}
	content := make([]byte, 32)
	n, _ := f.ReadAt(content, 0)
	pid, _ = strconv.Atoi(strings.TrimSpace(string(content[:n])))
	return pid, true
}

func sameFile(f *os.File, path string) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(open, named)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
