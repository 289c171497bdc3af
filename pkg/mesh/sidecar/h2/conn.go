package h2

import (
	"bufio"
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	protocolWindow = 65535 // of streams and connections, before SETTINGS and WINDOW_UPDATE say otherwise
	tableSize      = 4096  // of HPACK, in both directions
	// unknownMaxStreams is how many streams a client opens before the server has said how many it may.
	unknownMaxStreams = 100
	// prefaceTime is how long a client may take for its preface.
	prefaceTime = 10 * time.Second
	// lingerTime is how long a connection is still read after its last write, so that the peer gets to read that.
	lingerTime = time.Second
)

// A Conn is one end of an HTTP/2 connection.
type Conn struct {
	conn   net.Conn
	nb     *nonblock // beneath conn
	client bool
	accept func(*Stream) Handler
	opt    Options
	group  *Group
	dirty  atomic.Bool // in group.dirty
	done   chan struct{}
	wg     sync.WaitGroup

	// calls is held while handlers are called. The reader holds it from one read of the socket to the next.
	calls sync.Mutex

	// Of the reader.
	br      *bufio.Reader
	fr      *http2.Framer
	dec     *hpack.Decoder
	hdr     headerBlock
	cut     bool // the socket has returned an error
	flushed []*Conn

	mu       sync.Mutex
	err      error // why the connection ends
	gone     bool  // the reader has ended, or is about to
	streams  map[uint32]*Stream
	open     uint32 // streams open, with those of a client that have no id yet
	nextID   uint32 // of a client
	lastID   uint32 // the highest that the peer has used, of a server
	recent   closedStreams
	goneAway goAway
	starved  bool // Open has returned ErrNoCapacity
	control  budget
	resets   budget
	canceled budget // what a client itself resets

	recvWindow int64
	credit     int
	sendWindow int64

	peerMaxStreams   uint32
	peerStreamWindow int64
	peerHeaderList   int
	gotSettings      bool // of the reader
	limitsKnown      bool // SETTINGS have come, and peerMaxStreams is the server's

	fw        *http2.Framer
	enc       *hpack.Encoder
	block     *bytes.Buffer
	out       []byte
	spare     []byte
	free      [][]byte
	ready     ring
	flushing  bool // a goroutine is in flush
	blocked   bool // the socket has not taken the last write
	mute      bool // nothing more is written
	finishing bool // the connection ends once all is written

	delivering bool // a goroutine is in delivered
	writable   []*Stream
	changed    bool
}

// Server returns the server's end of conn. accept is called for each stream that the client opens.
func Server(conn net.Conn, opt Options, accept func(*Stream) Handler) *Conn {
	c := newConn(conn, opt)
	c.accept = accept
	c.peerMaxStreams = 0 // this side opens none
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeSettings(
		http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: c.opt.MaxConcurrentStreams},
		http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(c.opt.StreamWindow)},
		http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: uint32(c.opt.MaxHeaderList)},
	)
	return c
}

// Client returns the client's end of conn. Streams may be opened before Serve is called.
func Client(conn net.Conn, opt Options) *Conn {
	c := newConn(conn, opt)
	c.client = true
	c.nextID = 1
	c.peerMaxStreams = min(unknownMaxStreams, c.opt.MaxConcurrentStreams)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = append(c.out, http2.ClientPreface...)
	c.writeSettings(
		http2.Setting{ID: http2.SettingEnablePush, Val: 0},
		http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(c.opt.StreamWindow)},
		http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: uint32(c.opt.MaxHeaderList)},
	)
	return c
}

func newConn(conn net.Conn, opt Options) *Conn {
	opt = opt.withDefaults()
	c := &Conn{
		opt: opt, group: opt.Group, done: make(chan struct{}), streams: make(map[uint32]*Stream),
		sendWindow: protocolWindow, recvWindow: protocolWindow, peerStreamWindow: protocolWindow,
		control:  budget{limit: controlLimit, rate: controlRate},
		resets:   budget{limit: resetLimit, rate: resetRate},
		canceled: budget{limit: resetLimit / 4, rate: resetRate / 4},
		block:    new(bytes.Buffer),
	}
	if c.nb = nonblocking(conn); c.nb == nil {
		c.nb = Nonblock(conn).(*nonblock)
		conn = c.nb
	}
	c.conn = conn
	c.br = bufio.NewReaderSize(input{c}, 16<<10)
	c.fr = http2.NewFramer(nil, c.br)
	c.fr.SetReuseFrames()
	c.fr.SetMaxReadFrameSize(maxFrame)
	c.dec = hpack.NewDecoder(tableSize, c.field)
	c.fw = http2.NewFramer(output{c}, nil)
	c.enc = hpack.NewEncoder(c.block)
	return c
}

func (c *Conn) writeSettings(settings ...http2.Setting) {
	_ = c.fw.WriteSettings(settings...)
	_ = c.fw.WriteWindowUpdate(0, uint32(c.opt.ConnWindow)-protocolWindow)
	c.recvWindow = int64(c.opt.ConnWindow)
}

// Open reserves a stream of which h will hear. It has no number, and counts against the peer's limit, until WriteHeaders or
// Reset. The error is ErrNoCapacity or ErrGoingAway.
func (c *Conn) Open(h Handler) (*Stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leaving() || !c.client {
		return nil, ErrGoingAway
	}
	if c.open >= c.peerMaxStreams {
		c.starved = true
		return nil, ErrNoCapacity
	}
	c.open++
	return &Stream{c: c, h: h, declared: -1}, nil
}

// leaving reports whether no more streams may start. c.mu is held.
func (c *Conn) leaving() bool {
	return c.err != nil || c.gone || c.goneAway.begun || c.nextID > 1<<31-1
}

// Active is the number of open streams.
func (c *Conn) Active() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int(c.open)
}

// Done is closed when the connection has ended, all its handlers have heard of it, and none of its goroutines is left.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err is why the connection ends or has ended, or nil. A connection that has been told to go away has no error yet.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the connection at once. Streams that are open hear Reset.
func (c *Conn) Close() {
	c.mu.Lock()
	c.lose(errClosed)
	c.mu.Unlock()
}

// lose ends the connection without another write; the reader notifies the streams. c.mu is held.
func (c *Conn) lose(err error) {
	if c.err == nil {
		c.err = err
	}
	c.mute = true
	_ = c.nb.Close()
}

// hangUp ends a connection on which everything has been said. The reader stays until the peer has hung up too, for a moment:
// closing with unread input would make the kernel discard what the peer has not read yet. c.mu is held.
func (c *Conn) hangUp() {
	if cw, ok := c.conn.(interface{ CloseWrite() error }); ok {
		_ = cw.CloseWrite()
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(lingerTime))
}
