package call

import (
	"context"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/stats"
)

// Meter measures calls that are made one after the other: how long each took, how long its messages were,
// and what went over the connection for it. It serves calls of a Caller, and as the dialer of an HTTP client.
type Meter struct {
	now func() time.Time

	mu             sync.Mutex
	sample         Sample
	began          time.Time
	sent, received int64 // on all connections, ever
	marked         [2]int64
}

// Sample is the measurement of one call.
type Sample struct {
	// Took is the time from sending to the end of the response, without the time to read and write JSON here.
	Took time.Duration
	// Request and Response are the bytes of the messages, as they are encoded.
	Request, Response int
	// Sent and Received are all bytes on the connection: messages, headers and frames.
	Sent, Received int64
}

// NewMeter returns a meter with a clock.
func NewMeter(now func() time.Time) *Meter { return &Meter{now: now} }

// Begin begins a measurement.
func (m *Meter) Begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sample, m.began = Sample{}, m.now()
	m.marked = [2]int64{m.sent, m.received}
}

// Message counts a message that was sent or received.
func (m *Meter) Message(request, response int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sample.Request += request
	m.sample.Response += response
}

// End ends the measurement and returns it.
func (m *Meter) End() Sample {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stop()
	return m.sample
}

func (m *Meter) stop() {
	if m.sample.Took > 0 {
		return
	}
	m.sample.Took = max(m.now().Sub(m.began), 1)
	m.sample.Sent, m.sample.Received = m.sent-m.marked[0], m.received-m.marked[1]
}

// DialContext opens a connection whose bytes are counted.
func (m *Meter) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &meteredConn{Conn: conn, meter: m}, nil
}

type meteredConn struct {
	net.Conn
	meter *Meter
}

func (c *meteredConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.meter.mu.Lock()
	defer c.meter.mu.Unlock()
	c.meter.received += int64(n)
	return n, err
}

func (c *meteredConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.meter.mu.Lock()
	defer c.meter.mu.Unlock()
	c.meter.sent += int64(n)
	return n, err
}

// TagRPC implements stats.Handler.
func (m *Meter) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC implements stats.Handler: a call's time is the one that gRPC measures.
func (m *Meter) HandleRPC(_ context.Context, s stats.RPCStats) {
	switch s := s.(type) {
	case *stats.Begin:
		m.mu.Lock()
		defer m.mu.Unlock()
		m.began = m.now()
	case *stats.OutPayload:
		m.Message(s.Length, 0)
	case *stats.InPayload:
		m.Message(0, s.Length)
	case *stats.End:
		m.mu.Lock()
		defer m.mu.Unlock()
		m.stop()
	}
}

// TagConn implements stats.Handler.
func (m *Meter) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler.
func (m *Meter) HandleConn(context.Context, stats.ConnStats) {}
