package call

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
)

// Wire writes down what goes over connections, as anyone on the way can read it: for each write "> N bytes", for each
// read "< N bytes", then their text. Bytes that are no printable ASCII are dots, one for all that follow each other.
type Wire struct {
	mu  sync.Mutex
	out io.Writer
}

// NewWire returns a Wire that writes to out.
func NewWire(out io.Writer) *Wire { return &Wire{out: out} }

// DialContext opens a connection whose bytes are written down.
func (w *Wire) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &wireConn{Conn: conn, wire: w}, nil
}

// longestText bounds what is written down of one write or read.
const longestText = 4 << 10

// note writes one write or read down. An error of the writer is none of the call's.
func (w *Wire) note(direction string, b []byte) {
	if len(b) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(w.out, "%s %d bytes\n%s\n", direction, len(b), readableASCII(b))
}

// readableASCII is the text in bytes.
func readableASCII(b []byte) string {
	var text strings.Builder
	dot := false
	for i, c := range b {
		if i == longestText {
			text.WriteString("...")
			break
		}
		if printable := c >= ' ' && c <= '~'; printable {
			text.WriteByte(c)
			dot = false
		} else if !dot {
			text.WriteByte('.')
			dot = true
		}
	}
	return text.String()
}

type wireConn struct {
	net.Conn
	wire *Wire
}

func (c *wireConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.wire.note("<", b[:n])
	return n, err
}

func (c *wireConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.wire.note(">", b[:n])
	return n, err
}
