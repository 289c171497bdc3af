package chassis

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/shopctl/shopctl/pkg/chassis/portowner"
)

// listenTCP listens on host:port and names the process that holds a taken port, where that can be known.
func listenTCP(host, port string) (net.Listener, error) {
	n, err := strconv.Atoi(port)
	if err != nil || n < 0 || n > 65535 {
		return nil, fmt.Errorf("listen on port %q: want a number from 0 to 65535", port)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if errors.Is(err, syscall.EADDRINUSE) {
		if owner, ok := portowner.Find(n); ok {
			return nil, fmt.Errorf("listen on port %d: address already in use by %s", n, owner)
		}
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}
