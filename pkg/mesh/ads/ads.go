// Package ads serves the configuration of the mesh to sidecars by Envoy's protocol (ADS, state of the world), and signs
// their certificates by Istio's. A sidecar proves who it is with the token that it was started with; it is given its own
// resources, and a certificate for its own identity. There are no keys and no certificates among resources.
package ads

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/sotw/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	certificates "istio.io/api/security/v1alpha1"

	"github.com/shopctl/shopctl/pkg/mesh/ca"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

// Caller is a sidecar that has shown its token.
type Caller struct {
	Node string
	ca.Identity
}

// Plane is the control plane, which knows the sidecars and follows them.
type Plane interface {
	// Authenticate returns the sidecar that has a token.
	Authenticate(token string) (Caller, bool)
	// Acked notes that a sidecar has a version of all its resources in force, or why it refused one.
	Acked(node, version, refused string)
	// Connected notes whether a sidecar has a stream.
	Connected(node string, is bool)
}

// Types are the types of resources that a sidecar has.
func Types() []string {
	return []string{resource.ClusterType, resource.EndpointType, resource.ListenerType, resource.RouteType}
}

// Server serves all sidecars. Set is safe for concurrent use.
type Server struct {
	discoveryv3.UnimplementedAggregatedDiscoveryServiceServer
	certificates.UnimplementedIstioCertificateServiceServer

	cache cache.SnapshotCache
	sent  *encodings
	ca    *ca.CA
	plane Plane

	mu sync.Mutex
	// streams is how many each node has.
	streams map[string]int
}

// New returns a server without resources. Its plane is set before it serves.
func New(authority *ca.CA) *Server {
	return &Server{cache: cache.NewSnapshotCache(false, cache.IDHash{}, nil), sent: newEncodings(), ca: authority, streams: map[string]int{}}
}

// Register adds the services to a gRPC server, for the sidecars of a plane.
func (s *Server) Register(r grpc.ServiceRegistrar, plane Plane) {
	s.plane = plane
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(r, s)
	certificates.RegisterIstioCertificateServiceServer(r, s)
}

// Set replaces the resources of a sidecar. All types have one version, so that a sidecar sees which belong together. A
// message that it was given before, for any sidecar, must be as it was.
func (s *Server) Set(node string, r *xds.Resources) error {
	snapshot, err := s.sent.replace(node, r)
	if err == nil {
		err = s.cache.SetSnapshot(context.Background(), node, snapshot)
	}
	if err != nil {
		return fmt.Errorf("configure %s: %w", node, err)
	}
	return nil
}

// Forget drops the resources of a sidecar.
func (s *Server) Forget(node string) {
	s.cache.ClearSnapshot(node)
	s.sent.forget(node)
}

// StreamAggregatedResources serves one sidecar until it leaves.
func (s *Server) StreamAggregatedResources(x discoveryv3.AggregatedDiscoveryService_StreamAggregatedResourcesServer) error {
	caller, err := s.authenticate(x.Context())
	if err != nil {
		return err
	}
	return sotw.NewServer(x.Context(), s.cache, &callbacks{Server: s, caller: caller, acked: map[string]string{}}).StreamHandler(x, resource.AnyType)
}

// callbacks follow one stream, of a server of its own: the ids of streams are all the same. They are called one after another.
type callbacks struct {
	*Server
	caller Caller
	known  bool
	// acked has the versions that are in force, by type.
	acked map[string]string
}

// OnStreamOpen implements sotw.Callbacks.
func (c *callbacks) OnStreamOpen(context.Context, int64, string) error { return nil }

// OnStreamClosed implements sotw.Callbacks.
func (c *callbacks) OnStreamClosed(int64, *corev3.Node) {
	if c.known && c.count(-1) == 0 {
		c.plane.Connected(c.caller.Node, false)
	}
}

// count adds to the number of the node's streams, and returns it.
func (c *callbacks) count(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.streams[c.caller.Node] += n
	left := c.streams[c.caller.Node]
	if left == 0 {
		delete(c.streams, c.caller.Node)
	}
	return left
}

// OnStreamRequest implements sotw.Callbacks.
func (c *callbacks) OnStreamRequest(_ int64, r *discoveryv3.DiscoveryRequest) error {
	if node := r.GetNode().GetId(); node != c.caller.Node {
		return status.Errorf(codes.PermissionDenied, "the token is that of %s, not of %q", c.caller.Node, node)
	}
	if !slices.Contains(Types(), r.GetTypeUrl()) {
		return status.Errorf(codes.InvalidArgument, "there are no resources of type %q", r.GetTypeUrl())
	}
	if !c.known {
		c.known = true
		c.count(1)
		c.plane.Connected(c.caller.Node, true)
	}
	refused := r.GetErrorDetail().GetMessage()
	if refused == "" {
		c.acked[r.GetTypeUrl()] = r.GetVersionInfo()
	}
	if version := c.version(); refused != "" || version != "" {
		c.plane.Acked(c.caller.Node, version, refused)
	}
	return nil
}

// version is the one that the sidecar has in force: the same of all types that it asked for; empty while they differ.
func (c *callbacks) version() string {
	version := c.acked[resource.ListenerType]
	for _, acked := range c.acked {
		if acked != version {
			return ""
		}
	}
	return xds.Version(version)
}

// OnStreamResponse implements sotw.Callbacks.
func (c *callbacks) OnStreamResponse(context.Context, int64, *discoveryv3.DiscoveryRequest, *discoveryv3.DiscoveryResponse) {
}

// CreateCertificate signs the request of a sidecar, for its own identity.
func (s *Server) CreateCertificate(ctx context.Context, r *certificates.IstioCertificateRequest) (*certificates.IstioCertificateResponse, error) {
	caller, err := s.authenticate(ctx)
	if err != nil {
		return nil, err
	}
	signed, err := s.ca.Sign([]byte(r.GetCsr()), caller.Identity)
	var refused *ca.RequestError
	switch {
	case errors.As(err, &refused):
		return nil, status.Error(codes.PermissionDenied, err.Error())
	case err != nil:
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &certificates.IstioCertificateResponse{CertChain: []string{string(signed), string(s.ca.Root())}}, nil
}

// authenticate finds the sidecar whose token a call has.
func (s *Server) authenticate(ctx context.Context) (Caller, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	for _, value := range md.Get("authorization") {
		if token, ok := strings.CutPrefix(value, "Bearer "); ok {
			if caller, ok := s.plane.Authenticate(token); ok {
				return caller, nil
			}
		}
	}
	return Caller{}, status.Error(codes.Unauthenticated, "the call has no token of a sidecar of this shop")
}
