package ads

import (
	"sync"

	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

// encodings has the resources of all sidecars as they are sent. One that several sidecars have, or that one has in several
// versions of its resources, is validated and encoded once. It is safe for concurrent use.
type encodings struct {
	mu    sync.Mutex
	known map[proto.Message]*encoding
	// held has what is in use, by node.
	held map[string]held
	sent uint64
}

// held is what a node has: the messages, the version, and the version as it is sent.
type held struct {
	messages      []proto.Message
	version, sent string
}

// encoding is a resource, whose bytes are the unknown fields of an empty message: such a message is encoded by copying them.
type encoding struct {
	sent *emptypb.Empty
	uses int
}

func newEncodings() *encodings {
	return &encodings{known: map[proto.Message]*encoding{}, held: map[string]held{}}
}

// replace encodes the resources of a node in place of those that it had. After an error it still has those.
func (e *encodings) replace(node string, r *xds.Resources) (*cache.Snapshot, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := &cache.Snapshot{}
	now := held{version: r.Version, sent: e.held[node].sent}
	if now.sent == "" || r.Version != e.held[node].version {
		e.sent++
		now.sent = xds.Sent(r.Version, e.sent)
	}
	for kind, messages := range map[types.ResponseType][]proto.Message{
		types.Listener: messages(r.Listeners), types.Cluster: messages(r.Clusters), types.Route: messages(r.Routes), types.Endpoint: messages(r.Endpoints),
	} {
		items := make(map[string]types.ResourceWithTTL, len(messages))
		for _, m := range messages {
			one, err := e.hold(m)
			if err != nil {
				e.release(now)
				return nil, err
			}
			now.messages = append(now.messages, m)
			items[cache.GetResourceName(m)] = types.ResourceWithTTL{Resource: one.sent}
		}
		s.Resources[kind] = cache.Resources{Version: now.sent, Items: items}
	}
	e.release(e.held[node])
	e.held[node] = now
	return s, nil
}

// hold encodes a resource, unless it is known, and counts the use.
func (e *encodings) hold(m proto.Message) (*encoding, error) {
	one := e.known[m]
	if one == nil {
		if v, ok := m.(interface{ ValidateAll() error }); ok {
			if err := v.ValidateAll(); err != nil {
				return nil, err
			}
		}
		data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			return nil, err
		}
		one = &encoding{sent: &emptypb.Empty{}}
		one.sent.ProtoReflect().SetUnknown(data)
		e.known[m] = one
	}
	one.uses++
	return one, nil
}

func (e *encodings) release(h held) {
	for _, m := range h.messages {
		one := e.known[m]
		if one.uses--; one.uses == 0 {
			delete(e.known, m)
		}
	}
}

func (e *encodings) forget(node string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.release(e.held[node])
	delete(e.held, node)
}

func messages[M proto.Message](typed []M) []proto.Message {
	all := make([]proto.Message, len(typed))
	for i, m := range typed {
		all[i] = m
	}
	return all
}
