package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rundir"
)

// Server serves the control API on a shop's socket.
type Server struct {
	grpc *grpc.Server
	// gate admits the calls of sessions; nil: the backend has none.
	gate Gate
	log  *slog.Logger
}

// Backend serves the API.
type Backend interface {
	controlpb.ShopServer
	controlpb.TracesServer
	controlpb.MetricsServer
	controlpb.TopologyServer
	controlpb.MeshServer
	controlpb.DeliveryServer
}

// NewServer makes a server of the backend's methods. A panic in one of them ends only that call.
func NewServer(backend Backend, log *slog.Logger, opts ...grpc.ServerOption) *Server {
	s := &Server{log: log}
	s.gate, _ = backend.(Gate)
	s.grpc = grpc.NewServer(append([]grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage),
		grpc.ChainUnaryInterceptor(s.unary), grpc.ChainStreamInterceptor(s.stream),
		grpc.WaitForHandlers(true),
	}, opts...)...)
	controlpb.RegisterShopServer(s.grpc, backend)
	controlpb.RegisterTracesServer(s.grpc, backend)
	controlpb.RegisterMetricsServer(s.grpc, backend)
	controlpb.RegisterTopologyServer(s.grpc, backend)
	controlpb.RegisterMeshServer(s.grpc, backend)
	controlpb.RegisterDeliveryServer(s.grpc, backend)
	return s
}

// Listen opens the socket of dir, to which only the user and root can connect. Its caller holds the shop's lock, so an
// existing socket is a dead one.
func Listen(dir rundir.Dir) (net.Listener, error) {
	if err := os.Remove(dir.Socket()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove dead socket: %w", err)
	}
	l, err := net.Listen("unix", dir.Socket())
	if err != nil {
		return nil, fmt.Errorf("open control socket: %w", err)
	}
	if err := os.Chmod(dir.Socket(), 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("restrict access to control socket: %w", err)
	}
	return usersOnly{l, []int{os.Getuid(), 0}}, nil
}

// usersOnly accepts only connections of some users.
type usersOnly struct {
	net.Listener
	users []int
}

func (l usersOnly) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil || checkPeer(conn, l.users...) == nil {
			return conn, err
		}
		conn.Close()
	}
}

// Serve serves until ctx ends; then it lets running calls finish for at most a second, and returns
// when the last has.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		force := time.AfterFunc(time.Second, s.grpc.Stop)
		defer force.Stop()
		s.grpc.GracefulStop()
	})
	err := s.grpc.Serve(l)
	if stop() {
		s.grpc.Stop()
		return err
	}
	<-stopped
	return nil
}

func (s *Server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any, err error) {
	defer s.recover(info.FullMethod, &err)
	if ctx, err = s.admit(ctx, info.FullMethod); err != nil {
		return nil, err
	}
	return next(ctx, req)
}

func (s *Server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	defer s.recover(info.FullMethod, &err)
	ctx, err := s.admit(ss.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	return next(srv, admittedStream{ss, func() context.Context { return ctx }})
}

func (s *Server) recover(method string, err *error) {
	if v := recover(); v != nil {
		s.log.Error("control call panicked", "method", method, "panic", v, "stack", string(debug.Stack()))
		*err = status.Error(codes.Internal, "internal error; the stack is in the daemon's log")
	}
}
