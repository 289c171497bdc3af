// Package call invokes any gRPC method of any service by name, with JSON in and JSON out.
//
// It is grpcurl as a library, with three things added. Contracts that are linked into this binary
// need no server to be read: their methods can be listed, described and checked with the shop down,
// and a call costs no reflection. The contract of any other target is fetched once, cached, and fetched
// again when it lacks a method or a field, since the service may have been restarted with a new one.
// Errors in a method's name or a message use the terms of the contract and suggest the nearest name.
package call

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
)

// MaxMessage bounds one message either way, in bytes.
const MaxMessage = 64 << 20

// DefaultDeadline bounds calls of methods without streams that are given no deadline: a service that
// hangs should not take its caller with it.
const DefaultDeadline = 10 * time.Second

// Target is a server to call.
type Target struct {
	// Name is the short name: "catalog".
	Name string
	// Addr is "host:port", or UnixScheme and the absolute path of a socket; empty if it does not run, and then only a linked
	// contract can be read.
	Addr string
	// GRPC are the full names of the services that it serves by a contract linked into this binary.
	// None: its contract is fetched by server reflection.
	GRPC []string
	// Files describe the server in place of its own contract.
	Files Files
	// TLS secures the connection; nil: it is plaintext.
	TLS *TLS
	// Authority is sent as :authority; empty: the server name of TLS, or Addr.
	Authority string
	// UserAgent is sent in front of shopctl's own user-agent; it may be empty.
	UserAgent string
}

// Invalid is a call that was not made, because a name, a header or a message is wrong.
type Invalid struct {
	// Text names what is wrong, Hint what to do about it; Hint may be empty.
	Text string
	Hint string
}

func (e *Invalid) Error() string { return e.Text }

// ErrNoReflection means that a target's contract is not known and cannot be fetched.
var ErrNoReflection = errors.New("the server has no reflection service")

// ErrNotRunning means that a target without an address was to be called.
var ErrNotRunning = errors.New("the service has no address")

// Config configures a Caller.
type Config struct {
	Now func() time.Time
	// Rand gives the bytes of trace ids.
	Rand io.Reader
	// Meter measures the calls, which then are made one after the other; nil: nothing is measured.
	Meter *Meter
	// Wire writes down what goes over the connections; nil: nothing is. It cannot be combined with a Meter.
	Wire *Wire
}

// Caller calls methods. It keeps one connection and one contract for each target, and is safe for
// concurrent use.
type Caller struct {
	cfg   Config
	mu    sync.Mutex
	peers map[string]*peer // by name
}

// New returns a Caller. Close ends it.
func New(cfg Config) *Caller {
	return &Caller{cfg: cfg, peers: map[string]*peer{}}
}

// Close ends all connections; calls under way fail.
func (c *Caller) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for name, p := range c.peers {
		errs = append(errs, p.close())
		delete(c.peers, name)
	}
	return errors.Join(errs...)
}

// peer returns what is kept for a target. A target that has moved is a new one.
func (c *Caller) peer(t Target) (*peer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok := c.peers[t.Name]; ok {
		if p.target.same(t) {
			return p, nil
		}
		// There is nothing to do about a connection to the old address that does not close.
		_ = p.close()
		delete(c.peers, t.Name)
	}
	p := &peer{target: t}
	if t.Files.none() {
		p.linked = linkedContract(t.GRPC)
	}
	if t.Addr != "" {
		conn, err := dial(t, c.cfg.Meter, c.cfg.Wire)
		if err != nil {
			return nil, fmt.Errorf("call %s: %w", t.Name, err)
		}
		p.conn = conn
	}
	c.peers[t.Name] = p
	return p, nil
}

// same reports whether a target is reached and described as another is.
func (t Target) same(other Target) bool {
	return t.Addr == other.Addr && t.Authority == other.Authority && t.UserAgent == other.UserAgent && t.Files.equal(other.Files) && t.TLS.equal(other.TLS)
}

// dial makes a connection that is opened by its first use and, where nothing listens, fails that use
// at once.
func dial(t Target, m *Meter, w *Wire) (*grpc.ClientConn, error) {
	secured, err := t.TLS.transport()
	if err != nil {
		return nil, err
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(secured),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxMessage), grpc.MaxCallSendMsgSize(MaxMessage)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 5 * time.Millisecond, Multiplier: 1.6, MaxDelay: 100 * time.Millisecond},
			MinConnectTimeout: 2 * time.Second,
		}),
		grpc.WithDisableServiceConfig(),
		grpc.WithNoProxy(),
		grpc.WithUserAgent(strings.TrimSpace(t.UserAgent + " shopctl")),
	}
	if t.Authority != "" {
		options = append(options, grpc.WithAuthority(t.Authority))
	}
	if m != nil {
		options = append(options, grpc.WithStatsHandler(m), grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			network, addr := networkOf(addr)
			return m.DialContext(ctx, network, addr)
		}))
	}
	if w != nil {
		options = append(options, grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			network, addr := networkOf(addr)
			return w.DialContext(ctx, network, addr)
		}))
	}
	if network, _ := networkOf(t.Addr); network == "unix" {
		return grpc.NewClient(t.Addr, options...)
	}
	return grpc.NewClient("passthrough:///"+t.Addr, options...)
}

// UnixScheme is in front of the path of a Unix domain socket, as in gRPC's names of targets.
const UnixScheme = "unix://"

// networkOf splits an address into what a net.Dialer takes.
func networkOf(addr string) (network, address string) {
	if path, ok := strings.CutPrefix(addr, UnixScheme); ok {
		return "unix", path
	}
	return "tcp", addr
}
