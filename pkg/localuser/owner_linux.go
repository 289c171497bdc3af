package localuser

import (
	"encoding/binary"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

const supported = true

// The request for one socket and its answer, sock_diag(7): struct inet_diag_req_v2 and struct inet_diag_msg after the
// header of the message.
const (
	requestSize  = unix.SizeofNlMsghdr + 56
	answerUser   = unix.SizeofNlMsghdr + 64
	answerInode  = unix.SizeofNlMsghdr + 68
	answerSize   = unix.SizeofNlMsghdr + 72
	sockDiagType = 20 // SOCK_DIAG_BY_FAMILY
)

// owner finds the other end of a connection among the sockets of this machine.
func owner(conn net.Conn) peer {
	local, ok := conn.LocalAddr().(*net.TCPAddr)
	remote, ok2 := conn.RemoteAddr().(*net.TCPAddr)
	if !ok || !ok2 {
		return peer{unknown: true}
	}
	answer, err := askKernel(request(remote, local))
	switch {
	case err == unix.ENOENT:
		return peer{unknown: established(conn), gone: true}
	case err != nil:
		return peer{unknown: true} // the kernel cannot be asked here
	}
	return peer{
		user: binary.NativeEndian.Uint32(answer[answerUser:]),
		gone: binary.NativeEndian.Uint32(answer[answerInode:]) == 0, // no process has it any more
	}
}

// request asks for the socket with a local and a remote address.
func request(local, remote *net.TCPAddr) []byte {
	b := make([]byte, requestSize)
	binary.NativeEndian.PutUint32(b, requestSize)
	binary.NativeEndian.PutUint16(b[4:], sockDiagType)
	binary.NativeEndian.PutUint16(b[6:], unix.NLM_F_REQUEST)
	req := b[unix.SizeofNlMsghdr:]
	req[0], req[1] = unix.AF_INET6, unix.IPPROTO_TCP
	from, to := local.IP.To16(), remote.IP.To16()
	if v4 := local.IP.To4(); v4 != nil {
		req[0], from, to = unix.AF_INET, v4, remote.IP.To4()
	}
	binary.NativeEndian.PutUint32(req[4:], 0xffffffff) // in any state
	binary.BigEndian.PutUint16(req[8:], uint16(local.Port))
	binary.BigEndian.PutUint16(req[10:], uint16(remote.Port))
	copy(req[12:28], from)
	copy(req[28:44], to)
	binary.NativeEndian.PutUint64(req[48:], 0xffffffffffffffff) // INET_DIAG_NOCOOKIE
	return b
}

// askKernel sends a request and returns the answer. ENOENT: there is no such socket.
func askKernel(req []byte) ([]byte, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, req, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, err
	}
	answer := make([]byte, 512)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	switch {
	case err != nil:
		return nil, err
	case n >= unix.SizeofNlMsghdr+4 && binary.NativeEndian.Uint16(answer[4:]) == unix.NLMSG_ERROR:
		return nil, syscall.Errno(-int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])))
	case n < answerSize:
		return nil, unix.EBADMSG
	}
	return answer[:n], nil
}

// established reports whether a connection still stands. One whose other end was torn down may hold what that has sent.
func established(conn net.Conn) bool {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	stands := false
	_ = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		stands = err == nil && info.State == unix.BPF_TCP_ESTABLISHED
	})
	return stands
}
