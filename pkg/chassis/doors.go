package chassis

import (
	"io"
	"net"
	"sync"
	"time"
)

// preface is how a connection of HTTP/2 begins (RFC 9113, section 3.4), and so every one of gRPC; no
// request of HTTP/1 does.
const preface = "PRI"

// helloTime is how long a connection may take to say what it is.
const helloTime = 5 * time.Second

// doors tell gRPC from HTTP/1 on one port, by how a connection begins.
type doors struct {
	outer      net.Listener
	grpc, http *door

	sorting sync.WaitGroup
	mu      sync.Mutex
	unknown map[net.Conn]struct{} // have not said yet what they are
	shut    bool
}

func newDoors(outer net.Listener) *doors {
	return &doors{outer: outer, grpc: newDoor(outer.Addr()), http: newDoor(outer.Addr()), unknown: map[net.Conn]struct{}{}}
}

// run accepts connections until close, and returns when all of them are somebody else's.
func (d *doors) run() error {
	defer d.sorting.Wait()
	for {
		conn, err := d.outer.Accept()
		if err != nil {
			d.close()
			return err
		}
		if d.note(conn) {
			d.sorting.Go(func() { d.sort(conn) })
		}
	}
}

// note keeps a connection to be closed with the doors; false if they are.
func (d *doors) note(conn net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shut {
		_ = conn.Close()
		return false
	}
	d.unknown[conn] = struct{}{}
	return true
}

func (d *doors) sort(conn net.Conn) {
	hello := make([]byte, len(preface))
	_ = conn.SetReadDeadline(time.Now().Add(helloTime))
	_, err := io.ReadFull(conn, hello)
	d.mu.Lock()
	delete(d.unknown, conn)
	d.mu.Unlock()
	if err != nil || conn.SetReadDeadline(time.Time{}) != nil {
		_ = conn.Close()
		return
	}
	to := d.http
	if string(hello) == preface {
		to = d.grpc
	}
	to.take(&begunConn{Conn: conn, begun: hello})
}

// close ends the listening, and every connection that nobody has taken.
func (d *doors) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = true
	_ = d.outer.Close()
	_ = d.grpc.Close()
	_ = d.http.Close()
	for conn := range d.unknown {
		_ = conn.Close()
	}
}

// door is the listener of one protocol.
type door struct {
	addr   net.Addr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newDoor(addr net.Addr) *door {
	return &door{addr: addr, conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (d *door) take(conn net.Conn) {
	select {
	case d.conns <- conn:
	case <-d.closed:
		_ = conn.Close()
	}
}

func (d *door) Accept() (net.Conn, error) {
	select {
	case conn := <-d.conns:
		return conn, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

func (d *door) Close() error {
	d.once.Do(func() { close(d.closed) })
	return nil
}

func (d *door) Addr() net.Addr { return d.addr }

// begunConn is a connection of which the first bytes have been read.
type begunConn struct {
	net.Conn
	begun []byte
}

func (c *begunConn) Read(p []byte) (int, error) {
	if len(c.begun) > 0 {
		n := copy(p, c.begun)
		c.begun = c.begun[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}
