// Package control is the control API of the daemon, client and server: gRPC on a unix socket that only
// the user can open. Commands, the terminal UI and lessons are its clients and have no other way to
// change the shop, so that a lesson can do nothing that the learner could not do from a shell.
package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rundir"
)

// ErrNotRunning means that no daemon serves the shop's socket.
var ErrNotRunning = errors.New("the shop is not running")

// maxMessage bounds one message either way; applied files and snapshots are far below it.
const maxMessage = 16 << 20

// Client speaks to one daemon. It is safe for concurrent use.
type Client struct {
	controlpb.ShopClient
	controlpb.TracesClient
	controlpb.MetricsClient
	controlpb.TopologyClient
	controlpb.MeshClient
	controlpb.DeliveryClient
	conn *grpc.ClientConn
}

// Dial connects to the daemon of dir. It fails with ErrNotRunning when there is none, and then reports
// so at once. A socket of another user is refused.
func Dial(dir rundir.Dir) (*Client, error) { return dialUser(dir, os.Getuid(), "") }

// DialSession connects as Dial does. All calls belong to the session with the token, and can do no more than it may.
func DialSession(dir rundir.Dir, token string) (*Client, error) {
	return dialUser(dir, os.Getuid(), session(token))
}

// dialUser connects to a daemon that must belong to user, in a session if its token is not empty.
func dialUser(dir rundir.Dir, user int, token session) (*Client, error) {
	first, err := net.DialTimeout("unix", dir.Socket(), 2*time.Second)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("connect to shop %q: %w", dir.Name, ErrNotRunning)
	case errors.Is(err, fs.ErrPermission):
		return nil, refuse(dir, err)
	case err != nil:
		return nil, fmt.Errorf("connect to shop %q: %w", dir.Name, err)
	}
	if err := checkPeer(first, user); err != nil {
		first.Close()
		return nil, refuse(dir, fmt.Errorf("use socket %q: %w", dir.Socket(), err))
	}
	dialer := &reuse{conn: first, path: dir.Socket(), user: user}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(dialer.dial),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, MaxDelay: time.Second},
			MinConnectTimeout: 2 * time.Second,
		}),
		grpc.WithIdleTimeout(0),
		grpc.WithUnaryInterceptor(frozen{dir}.unary), grpc.WithStreamInterceptor(frozen{dir}.stream),
	}
	if token != "" {
		options = append(options, grpc.WithPerRPCCredentials(token))
	}
	conn, err := grpc.NewClient("passthrough:///shopctl", options...)
	if err != nil {
		first.Close()
		return nil, fmt.Errorf("connect to shop %q: %w", dir.Name, err)
	}
	conn.Connect()
	return &Client{
		ShopClient: controlpb.NewShopClient(conn), TracesClient: controlpb.NewTracesClient(conn),
		MetricsClient: controlpb.NewMetricsClient(conn), TopologyClient: controlpb.NewTopologyClient(conn), MeshClient: controlpb.NewMeshClient(conn),
		DeliveryClient: controlpb.NewDeliveryClient(conn),
		conn:           conn,
	}, nil
}

// refuse makes the error of a socket that is not the user's.
func refuse(dir rundir.Dir, err error) error {
	return WithHint(fmt.Errorf("connect to shop %q: %w", dir.Name, err), rundir.RunHint, environmentExit)
}

// environmentExit is the exit code of commands that the environment prevents.
const environmentExit = 5

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// reuse hands out the connection that proved that the daemon is there, and dials after that.
type reuse struct {
	mu   sync.Mutex
	conn net.Conn
	path string
	user int
}

func (r *reuse) dial(ctx context.Context, _ string) (net.Conn, error) {
	r.mu.Lock()
	conn := r.conn
	r.conn = nil
	r.mu.Unlock()
	if conn != nil {
		return conn, nil
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", r.path)
	if err != nil {
		return nil, err
	}
	if err := checkPeer(conn, r.user); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}
