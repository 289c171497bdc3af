package sockets

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"google.golang.org/grpc/mem"
)

// direct makes c transfer bytes by plain system calls; what is no TCP socket stays as it is.
func direct(c net.Conn) net.Conn {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return c
	}
	q := &conn{Conn: c, raw: raw}
	q.read.wait, q.write.wait, q.readPooled = q.read.ready, q.write.ready, q.poolReady
	q.read.call, q.write.call = syscall.SYS_READ, syscall.SYS_WRITE
	return q
}

// conn is a TCP connection. Its deadlines, addresses and closing are the wrapped one's, and so is
// the waiting: only the transfer of bytes is a plain system call.
type conn struct {
	net.Conn
	raw         syscall.RawConn
	read, write transfer

	// Of ReadOnReady, which read's lock guards.
	readPooled func(fd uintptr) bool
	size       int
	pool       mem.BufferPool
	buffer     *[]byte
}

// transfer is one direction. Its lock orders those who transfer at the same time, as net.Conn allows.
type transfer struct {
	mu   sync.Mutex
	call uintptr
	wait func(fd uintptr) bool // is ready, bound once: a closure for each call would be garbage
	p    []byte
	n    int
	err  error
}

// ready transfers; it is false while the socket is not ready for it.
func (t *transfer) ready(fd uintptr) bool {
	for {
		n, _, errno := syscall.RawSyscall(t.call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(t.p))), uintptr(len(t.p)))
		switch errno {
		case 0:
			t.n = int(n)
			return true
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		default:
			t.err = errno
			return true
		}
	}
}

// do transfers what it can of p at once, as soon as the socket is ready.
func (t *transfer) do(wait func(func(uintptr) bool) error, f func(uintptr) bool, p []byte) (int, error) {
	t.p, t.n, t.err = p, 0, nil
	err := wait(f)
	n := t.n
	if err == nil {
		err = t.err
	}
	t.p = nil
	return n, err
}

func (c *conn) Read(p []byte) (int, error) {
	c.read.mu.Lock()
	defer c.read.mu.Unlock()
	n, err := c.read.do(c.raw.Read, c.read.wait, p)
	return c.got(n, len(p), err)
}

// got is what a reader is told: no bytes and no error is the end.
func (c *conn) got(n, wanted int, err error) (int, error) {
	switch {
	case err != nil:
		return 0, c.failed("read", err)
	case n == 0 && wanted > 0:
		return 0, io.EOF
	}
	return n, nil
}

// ReadOnReady takes a buffer from the pool when there is something to read, and not before: a
// connection on which nothing happens holds none. gRPC asks for it by its name.
func (c *conn) ReadOnReady(size int, pool mem.BufferPool) (*[]byte, int, error) {
	c.read.mu.Lock()
	defer c.read.mu.Unlock()
	c.size, c.pool = size, pool
	n, err := c.read.do(c.raw.Read, c.readPooled, nil)
	n, err = c.got(n, size, err)
	buffer := c.buffer
	c.pool, c.buffer = nil, nil
	if n == 0 && buffer != nil {
		pool.Put(buffer)
		buffer = nil
	}
	return buffer, n, err
}

func (c *conn) poolReady(fd uintptr) bool {
	if c.buffer == nil {
		c.buffer = c.pool.Get(c.size)
	}
	c.read.p = *c.buffer
	if c.read.ready(fd) {
		return true
	}
	c.pool.Put(c.buffer)
	c.buffer = nil
	return false
}

func (c *conn) Write(p []byte) (int, error) {
	c.write.mu.Lock()
	defer c.write.mu.Unlock()
	for done := 0; ; {
		n, err := c.write.do(c.raw.Write, c.write.wait, p[done:])
		done += n
		if err != nil {
			return done, c.failed("write", err)
		}
		if done == len(p) {
			return done, nil
		}
	}
}

// failed words an error as the net package does.
func (c *conn) failed(op string, err error) error {
	if errno, ok := err.(syscall.Errno); ok {
		err = os.NewSyscallError(op, errno)
	}
	if _, ok := err.(*net.OpError); ok {
		return err
	}
	return &net.OpError{Op: op, Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}
