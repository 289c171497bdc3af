// Package agent is a sidecar's end of the control plane: it receives the sidecar's resources over ADS, and keeps its
// certificate valid. The key never leaves the process.
package agent

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/shopctl/shopctl/pkg/mesh/ca"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

// Config is who the sidecar is, and where its control plane is.
type Config struct {
	// Target is the control plane: "unix:/run/mesh.sock" or "127.0.0.1:15010".
	Target string
	// Node is the sidecar's ID, and Token proves it.
	Node, Token string
	Identity    ca.Identity
	// Apply puts resources in force. An error refuses them; what was in force stays.
	Apply func(*xds.Resources) error
	// Report receives what went wrong and is tried again.
	Report func(error)
	// Renewed, if set, is called when there is another certificate.
	Renewed func()
}

// Agent is a connection to the control plane.
type Agent struct {
	cfg  Config
	conn *grpc.ClientConn
	*certificate
}

// New returns an agent that has not begun.
func New(cfg Config) (*Agent, error) {
	conn, err := grpc.NewClient(cfg.Target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("connect to control plane: %w", err)
	}
	return &Agent{cfg: cfg, conn: conn, certificate: newCertificate()}, nil
}

// Close ends the connection.
func (a *Agent) Close() error { return a.conn.Close() }

// authorized is a context whose calls have the token.
func (a *Agent) authorized(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+a.cfg.Token)
}

// The time between attempts.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 5 * time.Second
)

// pause waits before the next attempt, longer each time. It is false when ctx has ended.
func pause(ctx context.Context, attempt int) bool {
	d := min(firstPause<<min(attempt, 10), lastPause)
	timer := time.NewTimer(d/2 + rand.N(d/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Follow receives resources until ctx ends. What was received stays in force while the control plane cannot be reached.
func (a *Agent) Follow(ctx context.Context) {
	for attempt := 0; ; attempt++ {
		began, err := a.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		if began {
			attempt = 0
		}
		a.cfg.Report(fmt.Errorf("receive configuration: %w", err))
		if !pause(ctx, attempt) {
			return
		}
	}
}

// follow follows one stream, and reports whether it received anything.
func (a *Agent) follow(ctx context.Context) (began bool, err error) {
	ctx, cancel := context.WithCancel(a.authorized(ctx))
	defer cancel()
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(a.conn).StreamAggregatedResources(ctx)
	if err != nil {
		return false, err
	}
	t := newTransfer(&corev3.Node{Id: a.cfg.Node}, stream.Send)
	if err := t.begin(); err != nil {
		return false, errors.Join(err, streamError(stream))
	}
	for {
		response, err := stream.Recv()
		if err != nil {
			return began, err
		}
		began = true
		if err := t.received(response, a.cfg.Apply); err != nil {
			return began, errors.Join(err, streamError(stream))
		}
	}
}

// streamError is why a stream that cannot be written to ended.
func streamError(stream grpc.ClientStream) error {
	return stream.RecvMsg(new(discoveryv3.DiscoveryResponse))
}
