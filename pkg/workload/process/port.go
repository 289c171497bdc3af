package process

import (
	"fmt"
	"net"

	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// host is the address at which every container listens.
const host = "127.0.0.1"

// place is where every pod runs: containers are processes of this machine.
func place() podspec.Place {
	return podspec.Place{PodIP: host, Node: "localhost", NodeIP: host}
}

// freePort asks the kernel for a port that a program can listen on. Another program may take it first; ours then
// fails to listen, and is restarted on another.
func freePort() (int, error) {
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
