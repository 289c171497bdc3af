package process

import (
	"fmt"
	"net"
)

// podIP is the address of every pod, and of its node: containers are processes of this machine.
const podIP = "127.0.0.1"

// freePort asks the kernel for a port that a program can listen on. Another program may take it first; ours then
// fails to listen, and is restarted on another.
func freePort() (int, error) {
	l, err := net.Listen("tcp", podIP+":0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
