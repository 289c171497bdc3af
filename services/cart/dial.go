package cart

import (
	"context"
	"net"
	"time"
)

// dialOrBreak adapts a dialer to the Redis client. If it cannot connect, it returns a connection that fails with the
// reason: otherwise the client would count failed dials, stop dialing for a second after some of them, and write to
// stderr. A call should dial each time, since a restarted store is back at once.
func dialOrBreak(dial func(context.Context) (net.Conn, error)) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := dial(ctx)
		if err != nil {
			return brokenConn{err}, nil
		}
		return conn, nil
	}
}

// brokenConn is a connection that could not be made.
type brokenConn struct{ err error }

func (c brokenConn) Read([]byte) (int, error)       { return 0, c.err }
func (c brokenConn) Write([]byte) (int, error)      { return 0, c.err }
func (brokenConn) Close() error                     { return nil }
func (brokenConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (brokenConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (brokenConn) SetDeadline(time.Time) error      { return nil }
func (brokenConn) SetReadDeadline(time.Time) error  { return nil }
func (brokenConn) SetWriteDeadline(time.Time) error { return nil }
