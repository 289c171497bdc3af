package cart

import (
	"context"
	"net"
	"time"
)

// dialOrBreak makes the dialer that the Redis client wants. Where it cannot connect it returns a
// connection that fails with the reason: the client would otherwise count failed dials, after some of
// them stop dialling for a second, and write to stderr about it. A call should try each time, for a
// store that was restarted is back at once.
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
