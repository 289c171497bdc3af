package tunnel

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// dialTimeout bounds a connection to what is in the pod itself.
const dialTimeout = 2 * time.Second

// server is the side of the pod.
type server struct {
	mu      sync.Mutex
	next    int
	waiting map[string]net.Conn // accepted, until they are taken
}

// Serve is the side of the pod. It returns when the connection ends.
func Serve(conn net.Conn) {
	s := &server{waiting: map[string]net.Conn{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+dialPath, s.dial)
	mux.HandleFunc("POST "+listenPath, s.listen)
	mux.HandleFunc("POST "+acceptPath, s.accept)
	only := &onlyConn{conn: make(chan net.Conn, 1), ended: make(chan struct{})}
	only.conn <- &closing{Conn: conn, closed: sync.OnceFunc(func() { close(only.ended) })}
	h2 := &http.Server{
		Handler: mux, Protocols: protocols(),
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 1 << 16, MaxReadFrameSize: bufferSize},
	}
	_ = h2.Serve(only) // it returns when the connection has ended
}

// onlyConn is a listener for a single connection, which lasts as long as that.
type onlyConn struct {
	conn  chan net.Conn
	ended chan struct{}
}

func (l *onlyConn) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.ended:
		return nil, net.ErrClosed
	}
}

func (*onlyConn) Close() error   { return nil }
func (*onlyConn) Addr() net.Addr { return address{} }

// closing calls closed when it is closed.
type closing struct {
	net.Conn
	closed func()
}

func (c *closing) Close() error {
	defer c.closed()
	return c.Conn.Close()
}

func (s *server) dial(w http.ResponseWriter, r *http.Request) {
	d := net.Dialer{Timeout: dialTimeout}
	conn, err := d.DialContext(r.Context(), "tcp", r.Header.Get(subjectName))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	splice(w, r, conn)
}

func (s *server) listen(w http.ResponseWriter, r *http.Request) {
	var config net.ListenConfig
	l, err := config.Listen(r.Context(), "tcp", r.Header.Get(subjectName))
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	go func() {
		<-r.Context().Done()
		_ = l.Close()
	}()
	flush := begin(w)
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		id := s.keep(conn)
		if _, err := fmt.Fprintln(w, id); err != nil {
			s.take(id)
			_ = conn.Close()
			return
		}
		flush()
	}
}

func (s *server) keep(conn net.Conn) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	id = strconv.Itoa(s.next)
	s.waiting[id] = conn
	return id
}

func (s *server) take(id string) net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	conn := s.waiting[id]
	delete(s.waiting, id)
	return conn
}

func (s *server) accept(w http.ResponseWriter, r *http.Request) {
	conn := s.take(r.Header.Get(subjectName))
	if conn == nil {
		http.Error(w, "there is no such connection", http.StatusNotFound)
		return
	}
	splice(w, r, conn)
}

// begin sends the head of a response.
func begin(w http.ResponseWriter) (flush func()) {
	control := http.NewResponseController(w)
	w.WriteHeader(http.StatusOK)
	flush = func() { _ = control.Flush() }
	flush()
	return flush
}

// splice copies between a request and a connection until either side ends.
func splice(w http.ResponseWriter, r *http.Request, conn net.Conn) {
	defer conn.Close()
	flush := begin(w)
	go func() {
		_, err := io.CopyBuffer(onlyWriter{conn}, r.Body, make([]byte, bufferSize))
		if err != nil {
			_ = conn.Close()
			return
		}
		closeWrite(conn)
	}()
	buffer := make([]byte, bufferSize)
	for {
		n, err := conn.Read(buffer)
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return
			}
			flush()
		}
		if err != nil {
			return
		}
	}
}

// onlyWriter hides io.ReaderFrom, which would not use the buffer.
type onlyWriter struct{ io.Writer }
