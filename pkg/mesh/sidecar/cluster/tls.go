package cluster

import (
	"fmt"
	"strings"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/match"
)

// TLS is mutual TLS with the workload's own certificate, unless Files is set.
type TLS struct {
	ServerName string
	ALPN       []string
	Files      *Files
	names      []match.String
}

// SystemRoots is the Root of Files for the authorities that the machine trusts.
const SystemRoots = "system"

// Files are what TLS with a callee that need not be of the mesh is made of, by their paths. They are read for each connection, so
// that they can be replaced.
type Files struct {
	// Root has the certificates of the authorities that are trusted, or is SystemRoots; empty: the callee is not
	// verified.
	Root string
	// Certificate and Key are what the caller shows; empty: nothing.
	Certificate, Key string
	// AutoName: without a ServerName, that of the service is asked for. Named: the callee's certificate has to be for it.
	AutoName, Named bool
}

// Accepts reports whether a peer may be the host: one of the names in its certificate is one that the cluster expects.
func (t *TLS) Accepts(names ...string) bool {
	if len(t.names) == 0 {
		return true
	}
	for _, name := range names {
		for _, fits := range t.names {
			if fits(name) {
				return true
			}
		}
	}
	return false
}

// sockets choose how connections to a host are secured: by its metadata, or all alike.
type sockets struct {
	matches  []socketMatch
	fallback *TLS
}

type socketMatch struct {
	labels *structpb.Struct
	tls    *TLS
}

// matchMetadata is where the metadata of an endpoint says how it is secured.
const matchMetadata = "envoy.transport_socket_match"

func compileSockets(config *clusterv3.Cluster) (sockets, error) {
	var s sockets
	var err error
	if s.fallback, err = compileTLS(config.GetTransportSocket()); err != nil {
		return s, err
	}
	for _, m := range config.GetTransportSocketMatches() {
		tls, err := compileTLS(m.GetTransportSocket())
		if err != nil {
			return s, fmt.Errorf("%s: %w", m.GetName(), err)
		}
		s.matches = append(s.matches, socketMatch{m.GetMatch(), tls})
	}
	return s, nil
}

func compileTLS(socket *corev3.TransportSocket) (*TLS, error) {
	switch socket.GetName() {
	case "", "envoy.transport_sockets.raw_buffer":
		return nil, nil
	case "envoy.transport_sockets.tls":
	default:
		return nil, fmt.Errorf("the transport socket %q is not supported", socket.GetName())
	}
	var context tlsv3.UpstreamTlsContext
	if err := socket.GetTypedConfig().UnmarshalTo(&context); err != nil {
		return nil, fmt.Errorf("transport socket: %w", err)
	}
	common := context.GetCommonTlsContext()
	tls := &TLS{ServerName: context.GetSni(), ALPN: common.GetAlpnProtocols(), Files: filesOf(common)}
	validation := common.GetCombinedValidationContext().GetDefaultValidationContext()
	if validation == nil {
		validation = common.GetValidationContext()
	}
	//lint:ignore SA1019 Istio sets the older field.
	for _, m := range validation.GetMatchSubjectAltNames() {
		fits, err := match.CompileString(m)
		if err != nil {
			return nil, fmt.Errorf("transport socket: %w", err)
		}
		tls.names = append(tls.names, fits)
	}
	return tls, nil
}

// filesOf are those that a socket names, as istiod does; nil: it has the workload's own certificate.
func filesOf(common *tlsv3.CommonTlsContext) *Files {
	root, byRoot := strings.CutPrefix(common.GetCombinedValidationContext().GetValidationContextSdsSecretConfig().GetName(), "file-root:")
	f := &Files{}
	for _, c := range common.GetTlsCertificateSdsSecretConfigs() {
		if pair, ok := strings.CutPrefix(c.GetName(), "file-cert:"); ok {
			f.Certificate, f.Key, _ = strings.Cut(pair, "~")
		}
	}
	if byRoot {
		f.Root = root
	}
	_, unverified := common.GetValidationContextType().(*tlsv3.CommonTlsContext_ValidationContext)
	if byRoot || f.Certificate != "" || unverified && len(common.GetTlsCertificateSdsSecretConfigs()) == 0 {
		return f
	}
	return nil
}

// of is how a host with metadata is secured: the first match counts.
func (s *sockets) of(metadata *corev3.Metadata) *TLS {
	has := metadata.GetFilterMetadata()[matchMetadata].GetFields()
	for _, m := range s.matches {
		if includes(has, m.labels.GetFields()) {
			return m.tls
		}
	}
	return s.fallback
}

func includes(has, wants map[string]*structpb.Value) bool {
	for key, value := range wants {
		if !proto.Equal(has[key], value) {
			return false
		}
	}
	return true
}
