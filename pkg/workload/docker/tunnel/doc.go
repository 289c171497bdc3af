// Package tunnel carries TCP connections into a pod and out of it over the standard streams of one container: the engine may be on
// another machine, or in a virtual one, and neither side has a port that the other can reach.
//
// The streams carry HTTP/2, with the pod as the server. The daemon dials with POST /dial, whose two bodies are the two directions
// of the connection. It listens in the pod with POST /listen: a line of the response is the number of a connection that was
// accepted, which POST /accept takes.
package tunnel

import (
	"io"
	"net"
	"net/http"
	"time"
)

// The paths and the header of requests.
const (
	dialPath    = "/dial"
	listenPath  = "/listen"
	acceptPath  = "/accept"
	subjectName = "Subject" // an address, or the number of a connection
)

// protocols are HTTP/2 alone, without TLS.
func protocols() *http.Protocols {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	return p
}

// bufferSize is what is copied at once.
const bufferSize = 16 << 10

// stream is a connection of two streams without deadlines.
type stream struct {
	io.Reader
	io.Writer
	close func() error
}

// Conn makes a connection of two streams.
func Conn(r io.Reader, w io.Writer, end func() error) net.Conn { return &stream{r, w, end} }

func (s *stream) Close() error                     { return s.close() }
func (*stream) LocalAddr() net.Addr                { return address{} }
func (*stream) RemoteAddr() net.Addr               { return address{} }
func (*stream) SetDeadline(time.Time) error        { return nil }
func (*stream) SetReadDeadline(time.Time) error    { return nil }
func (*stream) SetWriteDeadline(_ time.Time) error { return nil }

type address struct{}

func (address) Network() string { return "streams" }
func (address) String() string  { return "streams" }

// closeWrite ends one direction of a connection.
func closeWrite(c net.Conn) {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}
