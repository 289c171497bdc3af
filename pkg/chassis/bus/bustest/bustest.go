// Package bustest runs a real NATS server for tests.
package bustest

import (
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/shopctl/shopctl/pkg/eventually"
)

// Server is a NATS server with JetStream, over a directory of the test, on a port that stays the same when it starts again.
type Server struct {
	t    testing.TB
	dir  string
	port int
	run  *server.Server
}

// Start starts a server, which ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir(), port: server.RANDOM_PORT}
	s.Resume()
	t.Cleanup(s.Stop)
	return s
}

// URL is where the server listens.
func (s *Server) URL() string { return s.run.ClientURL() }

// Stop ends the server. What it has stored stays. A server that is stopped while it opens a stream, for a client that has given
// up, would leave the files of that open: what was asked of it is done first.
func (s *Server) Stop() {
	s.t.Helper()
	eventually.True(s.t, "the bus has done what was asked of it", func() bool {
		state, err := s.run.Jsz(nil)
		return err != nil || state.API.Inflight == 0
	})
	s.run.Shutdown()
	s.run.WaitForShutdown()
}

// Resume starts the server again.
func (s *Server) Resume() {
	s.t.Helper()
	run, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: s.port, StoreDir: s.dir, JetStream: true, NoLog: true, NoSigs: true, DisableJetStreamBanner: true,
		JetStreamMaxStore: 1 << 30, JetStreamMaxMemory: 8 << 20,
	})
	if err != nil {
		s.t.Fatalf("start a bus: %v", err)
	}
	run.Start()
	if !run.ReadyForConnections(time.Minute) {
		run.Shutdown()
		s.t.Fatal("the bus did not start within a minute")
	}
	s.run = run
	if addr, ok := run.Addr().(*net.TCPAddr); ok {
		s.port = addr.Port
	}
}
