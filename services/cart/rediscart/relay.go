package rediscart

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	// socketName is that of a redis-server's socket.
	socketName = "redis.sock"
	// maxSocketPath is what the systems of this program allow for the path of a socket: 104 bytes on macOS, 108 on Linux,
	// a NUL at the end included.
	maxSocketPath = 103
	// redialPause is the time between two tries to reach a redis-server that starts.
	redialPause = 5 * time.Millisecond
)

// openSocket chooses where a redis-server listens: in a directory below its own, or where that has too long a name, in a
// temporary one. Only the user can enter it. A redis-server replaces the socket of one that was killed.
func openSocket(dataDir string) (path string, remove func() error, err error) {
	for _, dir := range socketDirs(dataDir) {
		if path = filepath.Join(dir, socketName); len(path) <= maxSocketPath && ownDir(dir) {
			return path, func() error { return errors.Join(removeIfThere(path), os.Remove(dir)) }, nil
		}
	}
	dir, err := os.MkdirTemp(shortTemp, "redis-cart-") // with mode 0700
	if err != nil {
		return "", nil, fmt.Errorf("open the socket of redis-server: %w", err)
	}
	return filepath.Join(dir, socketName), func() error { return os.RemoveAll(dir) }, nil
}

// shortTemp is where a temporary directory has a short name, whatever TMPDIR is.
const shortTemp = "/tmp"

// socketDirs are the directories to try. That of a store has the same name at each start: one that is killed does not
// remove it.
func socketDirs(dataDir string) []string {
	if dataDir == "" {
		return nil
	}
	name := fmt.Sprintf("redis-cart-%x", sha256.Sum256([]byte(dataDir)))[:len("redis-cart-")+16]
	return []string{filepath.Join(dataDir, "socket"), filepath.Join(os.TempDir(), name), filepath.Join(shortTemp, name)}
}

// ownDir makes a directory, and reports whether it is the user's alone.
func ownDir(dir string) bool {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return false
	}
	info, err := os.Lstat(dir)
	if err != nil || info.Mode() != os.ModeDir|0o700 {
		return false
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(owner.Uid) == os.Getuid()
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// relay connects the clients of a listener with a redis-server on a socket. The program has no port of its own: it would
// be open to the other users of the machine, whom the listener refuses.
type relay struct {
	socket string
	wg     sync.WaitGroup
}

// serve serves l until ctx ends, and returns when the last connection is closed.
func (r *relay) serve(ctx context.Context, l net.Listener) {
	defer r.wg.Wait()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			r.wg.Go(func() { r.connect(ctx, conn) })
		case errors.Is(err, net.ErrClosed):
			return
		case waitFor(ctx, 2*redialPause) != nil: // out of file descriptors: let others finish
			return
		}
	}
}

// connect copies in both directions until redis-server closes the connection, the client is gone, or ctx ends.
func (r *relay) connect(ctx context.Context, client net.Conn) {
	defer client.Close()
	store, err := r.dial(ctx)
	if err != nil {
		return
	}
	defer store.Close()
	defer context.AfterFunc(ctx, func() { _ = store.Close() })()
	requests := make(chan struct{})
	go func() {
		defer close(requests)
		_, _ = io.Copy(plainWriter{store}, plainReader{client})
		_ = store.(*net.UnixConn).CloseWrite()
	}()
	_, _ = io.Copy(plainWriter{client}, plainReader{store})
	_ = client.Close()
	<-requests
}

// dial waits for a redis-server that starts.
func (r *relay) dial(ctx context.Context) (net.Conn, error) {
	for {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "unix", r.socket)
		if err == nil {
			return conn, nil
		}
		if err := waitFor(ctx, redialPause); err != nil {
			return nil, err
		}
	}
}

func waitFor(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// The copies do without splice(2), which takes two pipes for each connection.
type (
	plainReader struct{ io.Reader }
	plainWriter struct{ io.Writer }
)
