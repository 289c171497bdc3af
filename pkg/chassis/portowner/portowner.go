// Package portowner finds the process that listens on a TCP port of this machine, so that an error
// about a taken port can name it. It reads /proc and knows nothing elsewhere.
package portowner

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Owner is a process that listens on a port.
type Owner struct {
	PID  int
	Name string
}

// String is "redis-server (pid 4711)".
func (o Owner) String() string { return fmt.Sprintf("%s (pid %d)", o.Name, o.PID) }

// stateListen is TCP_LISTEN as /proc/net/tcp writes it.
const stateListen = "0A"

// Find returns the process that listens on port; false if there is none, or it belongs to another
// user, or the system has no /proc.
func Find(port int) (Owner, bool) {
	inodes := map[string]bool{}
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for _, inode := range listeners(data, port) {
			inodes["socket:["+inode+"]"] = true
		}
	}
	if len(inodes) == 0 {
		return Owner{}, false
	}
	fds, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return Owner{}, false
	}
	for _, fd := range fds {
		if target, err := os.Readlink(fd); err == nil && inodes[target] {
			return owner(fd)
		}
	}
	return Owner{}, false
}

// listeners returns the socket inodes of the listeners on port in the text of /proc/net/tcp.
func listeners(table []byte, port int) []string {
	suffix := fmt.Sprintf(":%04X", port)
	var inodes []string
	for line := range bytes.Lines(table) {
		f := strings.Fields(string(line))
		if len(f) > 9 && f[3] == stateListen && strings.HasSuffix(f[1], suffix) {
			inodes = append(inodes, f[9])
		}
	}
	return inodes
}

func owner(fd string) (Owner, bool) {
	dir := filepath.Dir(filepath.Dir(fd))
	pid, err := strconv.Atoi(filepath.Base(dir))
	if err != nil {
		return Owner{}, false
	}
	name, err := os.ReadFile(filepath.Join(dir, "comm"))
	if err != nil {
		return Owner{}, false
	}
	return Owner{PID: pid, Name: strings.TrimSpace(string(name))}, true
}
