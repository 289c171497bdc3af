// Package sockets gives services TCP connections that cost less in a small process.
//
// Go tells its scheduler of every system call before it begins, since it might block, and a sleeping
// monitor thread (runtime.sysmon) is woken for that. A service that runs on one thread falls asleep
// between any two messages, so each message wakes the monitor, which finds nothing to do and goes to
// sleep again: for an order, a sixth of the processor time of all services. But transfers on sockets
// cannot block: they are non-blocking, and the waiting is the runtime's poller's. Here they are
// plain system calls that the scheduler is not told of.
package sockets

import (
	"context"
	"net"
)

// Listen wraps a listener: the connections that it accepts are of this package.
func Listen(l net.Listener) net.Listener { return listener{l} }

type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return wrap(c), nil
}

func wrap(c net.Conn) net.Conn {
	if raceDetector {
		return c
	}
	return direct(c)
}

// Dialer dials connections of this package.
type Dialer struct{ net.Dialer }

// DialContext is net.Dialer's.
func (d *Dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := d.Dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return wrap(c), nil
}
