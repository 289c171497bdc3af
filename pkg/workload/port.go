package workload

import (
	"fmt"
	"net"
)

// FreePort asks the kernel for a port that a command can be told to listen on. Another program may take
// it first; the command then fails to listen, and is started again on another.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
