// Package chassistest runs services inside a test the way the daemon runs them as processes: on free
// ports, under the real chassis, with real telemetry. Everything ends with the test.
package chassistest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
)

// startTimeout is generous: it only turns a hang into a failure.
const startTimeout = 30 * time.Second

// Service is one running service.
type Service struct {
	// Addr serves the service's protocol, Admin its metrics.
	Addr  string
	Admin string

	t      testing.TB
	cancel context.CancelFunc
	done   chan struct{}
	err    error
	logs   *buffer
	down   *io.PipeWriter
	once   sync.Once
	conn   *grpc.ClientConn
	sink   *Sink
}

// Option changes how Start runs a service.
type Option func(*settings)

type settings struct {
	name string
	sink *Sink
}

// WithSink sends the service's spans to sink, which several services may share.
func WithSink(s *Sink) Option { return func(c *settings) { c.sink = s } }

// WithName names the workload; the default is "service".
func WithName(name string) Option { return func(c *settings) { c.name = name } }

// Start runs setup under the chassis with env as its whole environment, and returns when it listens.
// It stops with the test.
func Start(t testing.TB, setup chassis.Setup, env map[string]string, options ...Option) *Service {
	t.Helper()
	return start(t, env, options, func(ctx context.Context, o chassis.Options) error { return chassis.Run(ctx, o, setup) })
}

// StartModules is Start for several services in one process.
func StartModules(t testing.TB, modules []chassis.Module, env map[string]string, options ...Option) *Service {
	t.Helper()
	return start(t, env, options, func(ctx context.Context, o chassis.Options) error { return chassis.RunModules(ctx, o, modules) })
}

func start(t testing.TB, env map[string]string, options []Option, run func(context.Context, chassis.Options) error) *Service {
	t.Helper()
	c := settings{name: "service"}
	for _, o := range options {
		o(&c)
	}
	vars := map[string]string{"LOG_BATCH_DELAY": "0s"}
	if c.sink != nil {
		vars["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://" + c.sink.Addr
	}
	maps.Copy(vars, env)
	ctx, cancel := context.WithCancel(context.Background())
	downR, downW := io.Pipe()
	upR, upW := io.Pipe()
	s := &Service{t: t, cancel: cancel, done: make(chan struct{}), logs: &buffer{}, down: downW, sink: c.sink}
	go func() {
		defer close(s.done)
		s.err = run(ctx, chassis.Options{
			Name: c.name, Workload: c.name, Getenv: func(k string) string { return vars[k] },
			Stdout: s.logs, Down: downR, Up: upW,
		})
		_ = upW.Close()
	}()
	ups := make(chan lifeline.Up, 4)
	go func() {
		defer close(ups)
		_ = lifeline.Read(upR, func(u lifeline.Up) { ups <- u })
	}()
	t.Cleanup(func() { s.Stop() })
	select {
	case u, ok := <-ups:
		if !ok || u.Listening == nil {
			<-s.done
			t.Fatalf("service did not start: %v\n%s", s.err, s.Logs())
		}
		s.Addr, s.Admin = u.Listening.Addr, u.Listening.Admin
	case <-time.After(startTimeout):
		t.Fatalf("service did not listen within %v\n%s", startTimeout, s.Logs())
	}
	return s
}

// Conn is a plain gRPC connection to the service, closed with the test.
func (s *Service) Conn() *grpc.ClientConn {
	s.t.Helper()
	if s.conn == nil {
		conn, err := grpc.NewClient(s.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			s.t.Fatal(err)
		}
		s.conn = conn
		s.t.Cleanup(func() { _ = conn.Close() })
	}
	return s.conn
}

// Send sends the service a message as the daemon would.
func (s *Service) Send(m lifeline.Down) {
	s.t.Helper()
	if err := lifeline.Write(s.down, m); err != nil {
		s.t.Fatal(err)
	}
}

// Logs returns what the service has logged so far.
func (s *Service) Logs() string { return s.logs.String() }

// Stop drains the service and returns what its Run returned. Further calls return the same.
func (s *Service) Stop() error {
	s.once.Do(func() {
		s.cancel()
		select {
		case <-s.done:
		case <-time.After(startTimeout):
			s.t.Errorf("service did not stop within %v\n%s", startTimeout, s.Logs())
		}
	})
	return s.err
}

// Kill ends the lifeline, as the death of the daemon does, and waits for the service to leave.
func (s *Service) Kill() error {
	_ = s.down.Close()
	select {
	case <-s.done:
		return s.err
	case <-time.After(startTimeout):
		return errors.New("service outlived its lifeline")
	}
}

// buffer is a bytes.Buffer for concurrent use.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
