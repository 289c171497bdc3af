package control

import (
	"fmt"
	"net"
	"slices"
)

// checkPeer verifies that the process at the other end of a unix socket's connection belongs to one of the users.
// The kernel reports the owner; for a client it is the one who opened the socket.
func checkPeer(conn net.Conn, users ...int) error {
	c, ok := conn.(*net.UnixConn)
	if !ok {
		return fmt.Errorf("find owner of peer: %T is not a unix socket", conn)
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return fmt.Errorf("find owner of peer: %w", err)
	}
	var uid int
	var credErr error
	if err := raw.Control(func(fd uintptr) { uid, credErr = peerUID(int(fd)) }); err != nil {
		return fmt.Errorf("find owner of peer: %w", err)
	}
	if credErr != nil {
		return fmt.Errorf("find owner of peer: %w", credErr)
	}
	if !slices.Contains(users, uid) {
		return fmt.Errorf("the process at its other end belongs to user %d, not to you", uid)
	}
	return nil
}
