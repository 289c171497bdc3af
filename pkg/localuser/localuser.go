// Package localuser keeps other users of a machine away from servers on its loopback interface. TCP has no credentials of
// the other side; but on Linux the kernel knows the user of each socket, and with both ends on one machine it is known
// who connects.
package localuser

import (
	"net"
	"os"
)

// Only returns a listener that closes the connections of other users, root excepted, before anything is read from them. It
// is l itself where it does not listen on a loopback address, and where the system cannot be asked.
func Only(l net.Listener) net.Listener {
	if addr, ok := l.Addr().(*net.TCPAddr); !supported || !ok || !addr.IP.IsLoopback() {
		return l
	}
	return &listener{Listener: l, user: uint32(os.Getuid()), owner: owner}
}

type listener struct {
	net.Listener
	user uint32
	// owner finds the user of the other end of a connection.
	owner func(net.Conn) peer
}

// peer is what is known of the other end of a connection.
type peer struct {
	user uint32
	// unknown: the kernel knows no such socket, so that it is not this one's, as with a virtual machine's host.
	unknown bool
	// gone: it was closed, and its user is no longer known.
	gone bool
}

// Accept returns the next connection that is let in.
func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if p := l.owner(conn); p.unknown || !p.gone && (p.user == l.user || p.user == 0) {
			return conn, nil
		}
		_ = conn.Close()
	}
}
