package forward

import (
	"io"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

// pair is a port of this machine, "0" for any that is free, and one of the target, by number or name.
type pair struct{ local, remote string }

// parsePorts reads "LOCAL:REMOTE", ":REMOTE" and "REMOTE". A remote port with a name needs a local one.
func parsePorts(words []string) ([]pair, error) {
	pairs := make([]pair, len(words))
	for i, word := range words {
		local, remote, both := strings.Cut(word, ":")
		switch {
		case !both:
			local, remote = word, word
			if _, err := strconv.Atoi(word); err != nil {
				local = "0"
			}
		case local == "":
			local = "0"
		}
		_, err := strconv.ParseUint(local, 10, 16)
		if remote == "" || err != nil || strings.Contains(remote, ":") || !both && word == "0" {
			return nil, cmdutil.UsageErr("shopctl port-forward svc/frontend 9000:80", "read port %q: want [LOCAL:]REMOTE, with ports from 1 to 65535", word)
		}
		if n, err := strconv.Atoi(remote); err == nil && (n < 1 || n > 65535) {
			return nil, cmdutil.UsageErr("shopctl port-forward svc/frontend 9000:80", "read port %q: want [LOCAL:]REMOTE, with ports from 1 to 65535", word)
		}
		pairs[i] = pair{local, remote}
	}
	return pairs, nil
}

// pass copies both ways until both are at their end. One that ends leaves the other open.
func pass(a, b net.Conn) {
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		both.Go(func() {
			_, err := io.Copy(way[1], way[0])
			if half, ok := way[1].(*net.TCPConn); ok && err == nil {
				half.CloseWrite()
				return
			}
			a.Close()
			b.Close()
		})
	}
	both.Wait()
}
